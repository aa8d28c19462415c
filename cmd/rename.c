/* SPDX-License-Identifier: MIT */
/* "cuddy rename": another name for a container, also while it runs. */
#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"

static int rename_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct container c;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = container_open(st, argv[0], &c);
	if (r < 0)
		return err_wrap(r, "rename");
	r = container_rename(st, &c, argv[1]);
	container_done(&c);
	return r < 0 ? err_wrap(r, "rename %s", argv[0]) : 0;
}

const struct command cmd_rename = {
	.name = "rename",
	.synopsis = "CONTAINER NAME",
	.summary = "Give a container another name",
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_CONTAINER,
	.run = rename_run,
};
