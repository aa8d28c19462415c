/* SPDX-License-Identifier: MIT */
/* "cuddy image …": verbs that exist only there. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/build/cache.h"
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
	bool all, force, cache, external;
	struct strv filters;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('a', "all", struct prune_args, all,
		 "All images that no container uses, not only those without a name"),
	OPT_BOOL(0, "build-cache", struct prune_args, cache,
		 "The caches of commands of builds, too"),
	OPT_BOOL(0, "external", struct prune_args, external,
		 "Also what other engines left in the store: there is never any"),
	OPT_LIST(0, "filter", "KEY=VALUE", struct prune_args, filters, "Only images that match"),
	OPT_BOOL('f', "force", struct prune_args, force, "Do not ask"),
	OPT_END,
};

static bool prune_confirmed(const struct prune_args *a)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	sbuf_addf(&b, "This removes all images%s that no container uses%s.",
		  a->all ? "" : " without a name",
		  a->cache ? ", and the caches of commands of builds" : "");
	return cmd_confirmed(b.s);
}

static int prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct prune_args *a = args;
	AUTO_STRV struct strv ids = STRV_INIT;
	struct cache_pruned gone;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (!a->force && !prune_confirmed(a))
		return 0;
	r = image_prune(st, a->all, &a->filters, &ids);
	for (size_t i = 0; i < ids.n; i++)
		(void)puts(ids.v[i]);
	if (r == 0 && a->cache)
		r = cache_prune(st, &(struct cache_limits){.only.no_results = true}, &gone);
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
