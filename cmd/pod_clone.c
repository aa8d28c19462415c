/* SPDX-License-Identifier: MIT */
/* "cuddy pod clone": a new pod with the settings and containers of another. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/create_opts.h"
#include "cmd/pod_opts.h"
#include "pkg/base/err.h"
#include "pkg/pod/pod.h"

struct clone_args {
	struct pod_request pod; /* what is to be other than in the original */
	bool destroy, start;
};

#define A struct clone_args

static const struct clone_args clone_defaults = {.pod.infra = CONTAINER_REQUEST_DEFAULTS};

static const struct opt clone_verb_opts[] = {
	OPT_STR('n', "name", "NAME", A, pod.name,
		"Name of the new pod; without one the original's with -clone"),
	OPT_BOOL(0, "destroy", A, destroy, "Remove the original afterwards"),
	OPT_BOOL(0, "start", A, start, "Start the new pod"),
	OPT_GROUP(pod_opts, A, pod),
	OPT_END,
};

static int clone_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct clone_args *a = args;
	AUTO(pod_record_done) struct pod_record from = {0}, pod = {0};
	struct pod_request q = a->pod;
	struct store *st;
	int r = cmd_store_for_images(ctx, &st);

	if (r == 0 && argc > 1 && q.name)
		r = err_usage("the name is given twice");
	if (r == 0)
		r = pod_resolve(st, argv[0], &from);
	if (argc > 1)
		q.name = argv[1];
	q.infra.create_argv = ctx->argv;
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
