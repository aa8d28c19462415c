/* SPDX-License-Identifier: MIT */
/* "cuddy wait": until containers have exited; prints their codes. */
#include <stdio.h>

#include "cmd/each.h"

struct wait_args {
	struct each_args each;
};

static const struct opt wait_opts[] = {
	OPT_BOOL('i', "ignore", struct wait_args, each.ignore,
		 "Succeed when a container does not exist"),
	OPT_END,
};

static int wait_one(struct store *st, struct container *c, const void *arg)
{
	int code, r = container_wait(st, c, &code);

	(void)arg;
	if (r == 0)
		(void)printf("%d\n", code);
	return r;
}

static int wait_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct wait_args *a = args;
	const struct each e = {.args = &a->each, .verb = "wait", .one = wait_one, .silent = true};

	return each_container(ctx, &e, argc, argv);
}

const struct command cmd_wait = {
	.name = "wait",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Wait for containers to exit and print their codes",
	.opts = wait_opts,
	.args_size = sizeof(struct wait_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = wait_run,
};
