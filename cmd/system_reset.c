/* SPDX-License-Identifier: MIT */
/* "cuddy system reset": back to an empty store. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/reset.h"

struct reset_args {
	bool force;
};

static const struct opt reset_opts[] = {
	OPT_BOOL('f', "force", struct reset_args, force, "Do not ask"),
	OPT_END,
};

static int reset_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct reset_args *a = args;
	AUTO_FREE char *what = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	what = xasprintf("This kills all containers and removes them, all images and all volumes "
			 "with what is in them from %s.",
			 store_root(st));
	if (!a->force && !cmd_confirmed(what))
		return 0;
	r = store_reset(st);
	ctx->in_a_hurry = true; /* tidying would begin a new store */
	return r < 0 ? err_wrap(r, "system reset") : 0;
}

const struct command cmd_system_reset = {
	.name = "reset",
	.group = "system",
	.synopsis = "[OPTIONS]",
	.summary = "Remove everything in the store",
	.opts = reset_opts,
	.args_size = sizeof(struct reset_args),
	.run = reset_run,
};
