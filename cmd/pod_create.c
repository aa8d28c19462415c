/* SPDX-License-Identifier: MIT */
/* "cuddy pod create". */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/create_opts.h"
#include "cmd/pod_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/base/err.h"
#include "pkg/pod/pod.h"

struct create_args {
	struct pod_request pod;
	int infra, share_parent; /* -1: on */
};

#define A struct create_args

static const struct create_args create_defaults = {
	.pod.infra = CONTAINER_REQUEST_DEFAULTS,
	.infra = -1,
	.share_parent = -1,
};

static const struct opt create_verb_opts[] = {
	OPT_STR('n', "name", "NAME", A, pod.name, "Name of the pod"),
	OPT_BOOL(0, "replace", A, pod.replace, "Remove an older pod of the same name first"),
	OPT_STR(0, "share", "NAMESPACE,...", A, pod.share,
		"What its containers share: ipc, net, pid, user, uts and cgroup, or none; "
		"ipc,net,uts "
		"when not given"),
	OPT_TRI(0, "share-parent", A, share_parent,
		"Have its containers in the cgroup that --cgroup-parent and limits choose"),
	OPT_STR(0, "exit-policy", "POLICY", A, pod.exit_policy,
		"What becomes of the pod when the last of its containers has exited",
		.complete = COMPLETE_WORDS, .words = "continue stop", .strict = true),
	OPT_TRI(0, "infra", A, infra, "Have a container that holds what is shared"),
	OPT_STR(0, "infra-image", "IMAGE", A, pod.infra_image,
		"Run an image as that container; without, it executes nothing",
		.complete = COMPLETE_IMAGE),
	OPT_STR(0, "pod-id-file", "FILE", A, pod.pod_id_file, "Write the id of the pod to a file",
		.complete = COMPLETE_FILE),
	OPT_LIST(0, "network", "MODE", A, pod.infra.networks,
		 "Network: NAME[:OPTIONS], slirp4netns[:OPTIONS], pasta[:OPTIONS], private, none, "
		 "host, container:NAME or ns:PATH",
		 .complete = COMPLETE_NETWORK),
	OPT_LIST(0, "net", "MODE", A, pod.infra.networks, "Network", .hidden = true),
	OPT_STR(0, "ip", "IP", A, pod.infra.ip, "IPv4 address in the network"),
	OPT_STR(0, "ip6", "IP", A, pod.infra.ip6, "IPv6 address in the network"),
	OPT_STR(0, "mac-address", "MAC", A, pod.infra.mac, "MAC address in the network"),
	OPT_LIST(0, "network-alias", "NAME", A, pod.infra.aliases,
		 "A further name of it in its networks", .commas = true),
	OPT_LIST('p', "publish", "[[IP:]PORT:]PORT[/PROTO]", A, pod.infra.publish,
		 "Publish a port of the pod on the host", .commas = true),
	OPT_LIST(0, "add-host", "NAME:IP", A, pod.infra.add_host, "Add a line to /etc/hosts",
		 .commas = true),
	OPT_LIST(0, "dns", "IP", A, pod.infra.dns, "Name server of the pod", .commas = true),
	OPT_LIST(0, "dns-search", "DOMAIN", A, pod.infra.dns_search, "Search domain of the pod",
		 .commas = true),
	OPT_LIST(0, "dns-option", "OPTION", A, pod.infra.dns_option, "Resolver option of the pod",
		 .commas = true),
	OPT_LIST(0, "dns-opt", "OPTION", A, pod.infra.dns_option, "Resolver option", .hidden = true,
		 .commas = true),
	OPT_STR(0, "hosts-file", "FILE", A, pod.infra.hosts_file,
		"What /etc/hosts begins with: a file of the host, or none",
		.complete = COMPLETE_FILE),
	OPT_BOOL(0, "no-hosts", A, pod.infra.no_hosts, "Leave /etc/hosts of the images alone"),
	OPT_BOOL(0, "no-hostname", A, pod.infra.no_hostname,
		 "Leave /etc/hostname of the images alone"),
	OPT_GROUP(pod_opts, A, pod),
	OPT_ROWS(refused_opts),
	OPT_END,
};

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	AUTO(pod_record_done) struct pod_record pod = {0};
	struct pod_request q = a->pod;
	struct transfer_report report;
	struct store *st;
	int r = cmd_store_for_images(ctx, &st);

	if (r == 0 && argc && q.name)
		r = err_usage("pod create: the name is given twice");
	if (r < 0)
		return r;
	if (argc)
		q.name = argv[0];
	q.no_infra = a->infra == 0;
	q.own_parents = a->share_parent == 0;
	q.infra.create_argv = ctx->argv;
	q.infra.cgroup_manager = ctx->cgroup_manager;
	transfer_report_init(&report, REPORT_PULL, false, NULL);
	q.infra.report = &report.handler;
	r = pod_create(st, &q, &pod);
	transfer_report_done(&report);
	if (r < 0)
		return err_wrap(r, "pod create");
	(void)puts(pod.id);
	return 0;
}

const struct command cmd_pod_create = {
	.name = "create",
	.group = "pod",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Create a pod",
	.opts = create_verb_opts,
	.args_size = sizeof(struct create_args),
	.defaults = &create_defaults,
	.max_args = 1,
	.run = create_run,
};
