/* SPDX-License-Identifier: MIT */
/* "cuddy pause" and "cuddy unpause": freeze all processes of a container, and let them go on. */
#include "cmd/each.h"
#include "pkg/base/err.h"

static int pause_one(struct store *st, struct container *c, const void *arg)
{
	(void)st;
	return container_pause(c, *(const bool *)arg);
}

/* --all are those that can be: running ones to be paused, paused ones to go on. */
static int run(struct cmd_ctx *ctx, const void *args, int argc, char **argv, bool pause)
{
	struct each_args a = *(const struct each_args *)args;
	struct strv filters = STRV_INIT;
	const struct each e = {.args = &a,
			       .running_only = true,
			       .verb = pause ? "pause" : "unpause",
			       .one = pause_one,
			       .arg = &pause};
	int r;

	strv_add_all(&filters, &a.filters);
	if (a.all || a.filters.n)
		strv_add(&filters, pause ? "status=running" : "status=paused");
	a.filters = filters;
	r = each_container(ctx, &e, argc, argv);
	strv_done(&filters);
	return r;
}

static int pause_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	return run(ctx, args, argc, argv, true);
}

static int unpause_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	return run(ctx, args, argc, argv, false);
}

const struct command cmd_pause = {
	.name = "pause",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Freeze all processes of containers",
	.opts = each_opts,
	.args_size = sizeof(struct each_args),
	.max_args = -1,
	.complete = COMPLETE_RUNNING,
	.run = pause_run,
};

const struct command cmd_unpause = {
	.name = "unpause",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Let paused containers go on",
	.opts = each_opts,
	.args_size = sizeof(struct each_args),
	.max_args = -1,
	.complete = COMPLETE_RUNNING,
	.run = unpause_run,
};
