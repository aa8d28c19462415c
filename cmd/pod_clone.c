/* SPDX-License-Identifier: MIT */
/* "cuddy pod clone": a new pod with the settings and containers of another. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/create_opts.h"
#include "cmd/limit_opts.h"
#include "pkg/base/err.h"
#include "pkg/pod/pod.h"

struct clone_args {
	struct pod_clone_request pod;
	bool destroy, start;
};

#define A struct clone_args

static const struct clone_args clone_defaults = {.pod.limits = LIMIT_REQUEST_DEFAULTS};

static const struct opt clone_verb_opts[] = {
	OPT_STR('n', "name", "NAME", A, pod.name,
		"Name of the new pod; without one the original's with -clone"),
	OPT_BOOL(0, "destroy", A, destroy, "Remove the original afterwards"),
	OPT_BOOL(0, "start", A, start, "Start the new pod"),
	OPT_LIST('l', "label", "KEY[=VALUE]", A, pod.label, "Attach a label"),
	OPT_LIST(0, "label-file", "FILE", A, pod.label_file, "Read labels from a file",
		 .complete = COMPLETE_FILE),
	OPT_STR(0, "hostname", "NAME", A, pod.hostname,
		"Host name in the new pod; its name when not given"),
	OPT_STR(0, "infra-name", "NAME", A, pod.infra_name,
		"Name of the container that holds what is shared"),
	OPT_STR(0, "restart", "POLICY", A, pod.restart, "Restart policy of its containers",
		.complete = COMPLETE_WORDS, .words = "no on-failure always unless-stopped"),
	OPT_STR(0, "cgroup-parent", "NAME", A, pod.cgroup_parent,
		"Slice of systemd, or path of a cgroup, for the cgroups of the pod"),
	OPT_SIZE(0, "shm-size", "SIZE", A, pod.shm_size, "Size of /dev/shm"),
	OPT_LIST(0, "sysctl", "KEY=VALUE", A, pod.sysctl,
		 "Set a kernel parameter of the pod's namespaces"),
	OPT_GROUP(limit_opts, A, pod.limits),
	OPT_END,
};

static int clone_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct clone_args *a = args;
	AUTO(pod_record_done) struct pod_record from = {0}, pod = {0};
	struct pod_clone_request q = a->pod;
	struct store *st;
	int r = cmd_store_for_images(ctx, &st);

	if (r == 0 && argc > 1 && q.name)
		r = err_usage("the name is given twice");
	if (r == 0)
		r = pod_resolve(st, argv[0], &from);
	if (argc > 1)
		q.name = argv[1];
	q.create_argv = ctx->argv;
	if (r == 0)
		r = pod_clone(st, &from, &q, &pod);
	if (r < 0)
		return err_wrap(r, "pod clone");
	(void)puts(pod.id);
	if (a->destroy)
		r = pod_remove(st, from.id, &(struct pod_removal){.force = true, .grace_s = -2});
	if (r == 0 && a->start)
		r = pod_start(st, &pod);
	return r < 0 ? err_wrap(r, "pod clone %s", argv[0]) : 0;
}

const struct command cmd_pod_clone = {
	.name = "clone",
	.group = "pod",
	.synopsis = "[OPTIONS] POD [NAME]",
	.summary = "Make a pod with the settings and containers of another",
	.opts = clone_verb_opts,
	.args_size = sizeof(struct clone_args),
	.defaults = &clone_defaults,
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_POD,
	.run = clone_run,
};
