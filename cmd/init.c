/* SPDX-License-Identifier: MIT */
/* "cuddy init": namespaces, mounts and network of containers, whose first process then waits for "start". */
#include "cmd/each.h"
#include "pkg/base/err.h"

static const struct opt init_opts[] = {
	OPT_BOOL('a', "all", struct each_args, all, "All containers that do not run"),
	OPT_BOOL('l', "latest", struct each_args, latest, "The newest container"),
	OPT_END,
};

static int init_one(struct store *st, struct container *c, const void *arg)
{
	const struct start_options o = {.hold = true};
	const struct each_args *a = arg;

	if (a->all && container_is_running(c))
		return 0;
	return container_start(st, c, &o, NULL);
}

static int init_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct each e = {.args = args, .verb = "init", .one = init_one, .arg = args};

	return each_container(ctx, &e, argc, argv);
}

const struct command cmd_container_init = {
	.name = "init",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Make all that containers need, and let them wait for their start",
	.opts = init_opts,
	.args_size = sizeof(struct each_args),
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = init_run,
};
