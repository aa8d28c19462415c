/* SPDX-License-Identifier: MIT */
/* "cuddy container …": verbs that exist only there. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/pruned.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/list.h"

struct exists_args {
	bool external;
};

/* There are no containers in the store that cuddy did not make, so looking there too finds the same. */
static const struct opt exists_opts[] = {
	OPT_BOOL(0, "external", struct exists_args, external,
		 "Also what other programs keep in the store: nothing"),
	OPT_END,
};

static int exists_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct container c;
	char id[65];
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = container_store_resolve(st, argv[0], id);
	if (r < 0)
		return cmd_exists(ctx, r, -CE_NO_CONTAINER);
	/* What a crash left of a --rm container goes when it is looked at; one that is damaged is there. */
	r = container_open_id(st, id, &c);
	if (r == 0)
		container_done(&c);
	if (r == -CE_NO_CONTAINER)
		return cmd_exists(ctx, r, -CE_NO_CONTAINER);
	err_drop();
	return 0;
}

const struct command cmd_container_exists = {
	.name = "exists",
	.group = "container",
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Exit with 0 when it exists, with 1 when not",
	.opts = exists_opts,
	.args_size = sizeof(struct exists_args),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_CONTAINER,
	.run = exists_run,
};

struct prune_args {
	bool force;
	struct strv filters;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('f', "force", struct prune_args, force, "Do not ask"),
	OPT_LIST(0, "filter", "KEY=VALUE", struct prune_args, filters,
		 "Only containers that match"),
	OPT_END,
};

static int prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct prune_args *a = args;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0 && !a->force && !cmd_confirmed("This removes all stopped containers."))
		return 0;
	return r < 0 ? r
		     : container_prune(st, &a->filters, cmd_pruned, &(struct pruned){.ctx = ctx});
}

const struct command cmd_container_prune = {
	.name = "prune",
	.group = "container",
	.synopsis = "[OPTIONS]",
	.summary = "Remove all stopped containers",
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
