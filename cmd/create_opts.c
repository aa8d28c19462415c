/* SPDX-License-Identifier: MIT */
#include "cmd/create_opts.h"

#define R struct container_request

const struct opt create_opts[] = {
	/* life cycle and terminal */
	OPT_BOOL('i', "interactive", R, interactive, "Keep stdin open"),
	OPT_BOOL('t', "tty", R, tty, "Give the container a terminal of its own"),
	OPT_BOOL(0, "rm", R, rm, "Remove the container when it exits"),
	OPT_BOOL(0, "init", R, init, "Run an init as pid 1 that forwards signals and reaps"),
	OPT_BOOL(0, "replace", R, replace, "Remove an older container of the same name first"),
	OPT_STR(0, "name", "NAME", R, name, "Name of the container"),
	OPT_STR(0, "cidfile", "FILE", R, cidfile, "Write the id of the container to a new file",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "entrypoint", "COMMAND", R, entrypoint, "Replace the entrypoint of the image"),
	OPT_STR('w', "workdir", "DIR", R, workdir, "Working directory in the container"),
	OPT_STR(0, "stop-signal", "SIGNAL", R, stop_signal,
		"Signal that asks the container to stop"),
	OPT_INT(0, "stop-timeout", "SECONDS", R, stop_timeout,
		"Time between the stop signal and SIGKILL, -1 for ever", .min = -1,
		.max = 31536000),
	OPT_UINT(0, "timeout", "SECONDS", R, timeout, "Kill the container after this time",
		 .max = 31536000),
	OPT_STR(0, "detach-keys", "KEYS", R, detach_keys, "Keys that detach from the terminal"),
	OPT_LIST('a', "attach", "STREAM", R, attach, "Attach only to stdin, stdout or stderr",
		 .complete = COMPLETE_WORDS, .words = "stdin stdout stderr"),

	/* environment and identity */
	OPT_LIST('e', "env", "NAME[=VALUE]", R, env,
		 "Set an environment variable, or pass ours on"),
	OPT_LIST(0, "env-file", "FILE", R, env_file, "Read environment variables from a file",
		 .complete = COMPLETE_FILE),
	OPT_LIST(0, "unsetenv", "NAME", R, unset_env, "Drop an environment variable of the image"),
	OPT_BOOL(0, "env-host", R, env_host, "Pass our whole environment on"),
	OPT_STR('u', "user", "USER[:GROUP]", R, user, "User name or id to run as"),
	OPT_LIST(0, "group-add", "GROUP", R, group_add,
		 "Give a supplementary group, or keep-groups"),
	OPT_STR(0, "umask", "MODE", R, umask, "File mode creation mask in octal"),
	OPT_STR('h', "hostname", "NAME", R, hostname, "Host name in the container"),
	OPT_LIST('l', "label", "KEY[=VALUE]", R, label, "Attach a label"),
	OPT_LIST(0, "label-file", "FILE", R, label_file, "Read labels from a file",
		 .complete = COMPLETE_FILE),
	OPT_LIST(0, "annotation", "KEY=VALUE", R, annotation, "Attach an annotation"),

	/* storage */
	OPT_LIST('v', "volume", "[SOURCE:]DIR[:OPTIONS]", R, volume,
		 "Mount a host path or a volume", .complete = COMPLETE_FILE),
	OPT_LIST(0, "mount", "type=TYPE,...", R, mount,
		 "Mount a bind, volume, tmpfs, ramfs, image, devpts or glob in long form"),
	OPT_LIST(0, "volumes-from", "CONTAINER[:OPTIONS]", R, volumes_from,
		 "Mount the volumes and binds of another container",
		 .complete = COMPLETE_CONTAINER),
	OPT_LIST(0, "tmpfs", "DIR[:OPTIONS]", R, tmpfs, "Mount a tmpfs"),
	OPT_BOOL(0, "read-only", R, read_only, "Make the root file system read-only"),
	OPT_TRI(0, "read-only-tmpfs", R, read_only_tmpfs,
		"With --read-only keep /run, /tmp and /var/tmp writable"),
	OPT_SIZE(0, "shm-size", "SIZE", R, shm_size, "Size of /dev/shm"),
	OPT_STR(0, "image-volume", "MODE", R, image_volume,
		"What becomes of the volumes of the image", .complete = COMPLETE_WORDS,
		.words = "bind tmpfs ignore", .strict = true),

	/* namespaces */
	OPT_STR(0, "userns", "MODE", R, userns, "User namespace: private or host"),
	OPT_STR(0, "pid", "MODE", R, pid, "PID namespace: private, host or container:NAME"),
	OPT_STR(0, "ipc", "MODE", R, ipc,
		"IPC namespace: private, shareable, host, none or container:NAME"),
	OPT_STR(0, "uts", "MODE", R, uts, "UTS namespace: private, host or container:NAME"),
	OPT_STR(0, "cgroupns", "MODE", R, cgroupns, "Cgroup namespace: private or host"),

	/* network */
	OPT_STR(0, "network", "MODE", R, network,
		"Network: slirp4netns[:OPTIONS], none, host or container:NAME"),
	OPT_STR(0, "net", "MODE", R, network, "Network", .hidden = true),
	OPT_LIST('p', "publish", "[[IP:]PORT:]PORT[/PROTO]", R, publish,
		 "Publish a port of the container on the host"),
	OPT_BOOL('P', "publish-all", R, publish_all,
		 "Publish all exposed ports on random host ports"),
	OPT_LIST(0, "expose", "PORT[/PROTO]", R, expose,
		 "Say that the container listens on a port"),
	OPT_LIST(0, "add-host", "NAME:IP", R, add_host, "Add a line to /etc/hosts"),
	OPT_LIST(0, "dns", "IP", R, dns, "Name server of the container"),
	OPT_LIST(0, "dns-search", "DOMAIN", R, dns_search, "Search domain of the container"),
	OPT_LIST(0, "dns-option", "OPTION", R, dns_option, "Resolver option of the container"),
	OPT_LIST(0, "dns-opt", "OPTION", R, dns_option, "Resolver option", .hidden = true),
	OPT_BOOL(0, "no-hosts", R, no_hosts, "Leave /etc/hosts of the image alone"),

	/* security and limits */
	OPT_BOOL(0, "privileged", R, privileged,
		 "All capabilities of the container's user namespace, no seccomp filter, no masked "
		 "paths"),
	OPT_LIST(0, "cap-add", "CAPABILITY", R, cap_add, "Add a capability, or ALL"),
	OPT_LIST(0, "cap-drop", "CAPABILITY", R, cap_drop, "Drop a capability, or ALL"),
	OPT_LIST(0, "security-opt", "OPTION", R, security_opt,
		 "Security option: no-new-privileges, seccomp=, apparmor=, mask=, unmask="),
	OPT_LIST(0, "device", "HOST[:PATH][:rwm]", R, device, "Give a device of the host",
		 .complete = COMPLETE_FILE),
	OPT_LIST(0, "ulimit", "TYPE=SOFT[:HARD]", R, ulimit, "Set a resource limit"),
	OPT_LIST(0, "sysctl", "KEY=VALUE", R, sysctl,
		 "Set a kernel parameter of the container's namespaces"),
	OPT_INT(0, "oom-score-adj", "NUMBER", R, oom_score_adj,
		"Adjust the preference of the OOM killer", .min = -1000, .max = 1000),

	/* logs */
	OPT_STR(0, "log-driver", "DRIVER", R, log_driver, "Where output is kept",
		.complete = COMPLETE_WORDS, .words = "k8s-file json-file none passthrough"),
	OPT_LIST(0, "log-opt", "KEY=VALUE", R, log_opt, "Log option: max-size, max-file, path"),

	/* image */
	OPT_STR(0, "pull", "POLICY", R, pull, "When to pull the image", .complete = COMPLETE_WORDS,
		.words = "always missing never newer"),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", R, platform, "Platform of the image to pull"),
	OPT_BOOL('q', "quiet", R, quiet, "No progress while pulling"),
	OPT_TRI(0, "tls-verify", R, tls_verify, "Verify the registry's certificate"),
	OPT_STR(0, "authfile", "FILE", R, authfile, "Registry credentials",
		.complete = COMPLETE_FILE),
	OPT_END,
};
