/* SPDX-License-Identifier: MIT */
/* "cuddy builder prune": forget what builds keep for the next one. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/build/cache.h"
#include "pkg/cli/filter.h"
#include "pkg/container/prune.h"

struct builder_prune_args {
	bool all, force;
	struct strv filters;
};

/* clang-format off */
static const struct opt builder_prune_opts[] = {
	OPT_BOOL('a', "all", struct builder_prune_args, all, "Results that images hold, too"),
	OPT_LIST(0, "filter", "KEY=VALUE", struct builder_prune_args, filters, "Only what matches: until"),
	OPT_BOOL('f', "force", struct builder_prune_args, force, "Do not ask"),
	OPT_END
};
/* clang-format on */

static int before_of(const struct strv *filters, int64_t *ret)
{
	for (size_t i = 0; i < filters->n; i++)
		if (strncmp(filters->v[i], "until=", 6) != 0 ||
		    filter_time(filters->v[i] + 6, ret) < 0)
			return err_usage("--filter '%s': use until= with a time, or a duration "
					 "before now",
					 filters->v[i]);
	return 0;
}

static int builder_prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct builder_prune_args *a = args;
	struct cache_pruned gone = {0};
	char text[SIZE_TEXT_MAX];
	int64_t before_ns = 0;
	uint64_t bytes = 0;
	struct store *st;
	int r = before_of(&a->filters, &before_ns);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r < 0 || (!a->force && !cmd_confirmed("This removes what builds keep for the next one, "
						  "and the caches of their commands.")))
		return r;
	r = cache_prune(st, a->all, before_ns, &gone);
	if (r == 0)
		r = prune_reclaim(st, &bytes);
	if (r < 0)
		return err_wrap(r, "builder prune");
	size_format(bytes, text);
	(void)printf("Results: %u\nCaches: %u\nTotal reclaimed space: %s\n", gone.records,
		     gone.mounts, text);
	return 0;
}

const struct command cmd_builder_prune = {
	.name = "prune",
	.group = "builder",
	.synopsis = "[OPTIONS]",
	.summary = "Remove the build cache",
	.opts = builder_prune_opts,
	.args_size = sizeof(struct builder_prune_args),
	.run = builder_prune_run,
};
