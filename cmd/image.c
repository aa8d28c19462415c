/* SPDX-License-Identifier: MIT */
/* "cuddy image …": verbs that exist only there. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/image/image.h"
#include "pkg/image/remove.h"

static int exists_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct image_record *rec = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = image_find(st, argv[0], &rec, NULL);
	image_record_free(rec);
	return cmd_exists(ctx, r, -CE_NO_IMAGE);
}

const struct command cmd_image_exists = {
	.name = "exists",
	.group = "image",
	.synopsis = "IMAGE",
	.summary = "Exit with 0 when it exists, with 1 when not",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_IMAGE,
	.run = exists_run,
};

struct prune_args {
	bool all, force;
	struct strv filters;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('a', "all", struct prune_args, all,
		 "All images that no container uses, not only those without a name"),
	OPT_LIST(0, "filter", "KEY=VALUE", struct prune_args, filters, "Only images that match"),
	OPT_BOOL('f', "force", struct prune_args, force, "Do not ask"),
	OPT_END,
};

static int prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct prune_args *a = args;
	AUTO_STRV struct strv ids = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (!a->force &&
	    !cmd_confirmed(
		    a->all ? "This removes all images that no container uses."
			   : "This removes all images without a name that no container uses."))
		return 0;
	r = image_prune(st, a->all, &a->filters, &ids);
	for (size_t i = 0; i < ids.n; i++)
		(void)puts(ids.v[i]);
	return r < 0 ? err_wrap(r, "image prune") : container_tidy(st);
}

const struct command cmd_image_prune = {
	.name = "prune",
	.group = "image",
	.synopsis = "[OPTIONS]",
	.summary = "Remove images that nothing uses",
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
