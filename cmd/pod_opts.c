/* SPDX-License-Identifier: MIT */
#include "cmd/pod_opts.h"

#include "cmd/limit_opts.h"
#include "pkg/pod/pod.h"

#define A struct pod_request

const struct opt pod_opts[] = {
	OPT_STR(0, "cgroup-parent", "NAME", A, infra.cgroup_parent,
		"Slice of systemd, or path of a cgroup, for the cgroups of the pod"),
	OPT_GROUP(limit_opts, A, infra.limits),
	OPT_LIST(0, "device", "DEVICE[:TARGET]", A, infra.device,
		 "Give a device of the host to its containers", .complete = COMPLETE_FILE,
		 .commas = true),
	OPT_STR(0, "gpus", "GPUS", A, infra.gpus,
		"Give GPUs to its containers: all, a number or device=NAME[,NAME]"),
	OPT_STR(0, "restart", "POLICY", A, restart,
		"Restart policy of its containers that have none of their own",
		.complete = COMPLETE_WORDS, .words = "no on-failure always unless-stopped"),
	OPT_STR(0, "infra-name", "NAME", A, infra_name,
		"Name of the container that holds what is shared"),
	OPT_STR(0, "infra-command", "COMMAND", A, infra_command,
		"Command of the image that --infra-image named"),
	OPT_STR(0, "infra-conmon-pidfile", "FILE", A, infra.conmon_pidfile,
		"Write the number of the monitor of that container to a file",
		.complete = COMPLETE_FILE),
	OPT_LIST('l', "label", "KEY[=VALUE]", A, label, "Attach a label"),
	OPT_LIST(0, "label-file", "FILE", A, label_file, "Read labels from a file",
		 .complete = COMPLETE_FILE, .commas = true),
	OPT_STR('h', "hostname", "NAME", A, infra.hostname,
		"Host name in the pod; its name when not given"),
	OPT_STR(0, "userns", "MODE", A, infra.userns,
		"User namespace of the pod: private, host, keep-id[:uid=,gid=,size=], nomap or "
		"auto[:size=]"),
	OPT_LIST(0, "uidmap", "ID:FROM[:COUNT]", A, infra.uidmap,
		 "Map user ids: FROM 0 is you, from 1 on your subordinate ids", .commas = true),
	OPT_LIST(0, "gidmap", "ID:FROM[:COUNT]", A, infra.gidmap, "Map group ids likewise",
		 .commas = true),
	OPT_STR(0, "subuidname", "NAME", A, infra.subuidname,
		"Map the ids that /etc/subuid gives NAME"),
	OPT_STR(0, "subgidname", "NAME", A, infra.subgidname,
		"Map the ids that /etc/subgid gives NAME"),
	OPT_STR(0, "pid", "MODE", A, infra.pid,
		"PID namespace of the pod, which its containers share then: private, host or "
		"ns:PATH"),
	OPT_STR(0, "uts", "MODE", A, infra.uts, "UTS namespace of the pod: private or host"),
	OPT_LIST('v', "volume", "[SOURCE:]DIR[:OPTIONS]", A, infra.volume,
		 "Mount a host path or a volume into its containers", .complete = COMPLETE_FILE),
	OPT_LIST(0, "volumes-from", "CONTAINER[:OPTIONS]", A, infra.volumes_from,
		 "Mount the volumes and binds of another container into its containers",
		 .complete = COMPLETE_CONTAINER),
	OPT_SIZE(0, "shm-size", "SIZE", A, infra.shm_size, "Size of /dev/shm, 0 for no bound",
		 .zero_is_most = true),
	OPT_SIZE(0, "shm-size-systemd", "SIZE", A, infra.systemd_tmpfs_size,
		 "Size of the places that systemd in its containers writes to"),
	OPT_LIST(0, "sysctl", "KEY=VALUE", A, infra.sysctl,
		 "Set a kernel parameter of the pod's namespaces", .pairs = true),
	OPT_LIST(0, "security-opt", "OPTION", A, security_opt, "Security option of its containers"),
	OPT_END,
};
