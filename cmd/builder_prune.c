/* SPDX-License-Identifier: MIT */
/* "cuddy builder prune": forget what builds keep for the next one. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/build/cache.h"
#include "pkg/container/prune.h"

struct builder_prune_args {
	bool all, force, verbose;
	struct strv filters;
	uint64_t max_used, reserved, min_free;
};

/* clang-format off */
static const struct opt builder_prune_opts[] = {
	OPT_BOOL('a', "all", struct builder_prune_args, all, "Results that images hold, too"),
	OPT_LIST(0, "filter", "KEY=VALUE", struct builder_prune_args, filters, "Only what matches: type id until"),
	OPT_BOOL('f', "force", struct builder_prune_args, force, "Do not ask"),
	OPT_SIZE(0, "keep-storage", "SIZE", struct builder_prune_args, max_used, "Keep that much of what was used last", .hidden = true),
	OPT_SIZE(0, "max-used-space", "SIZE", struct builder_prune_args, max_used, "Only as much as is needed to have no more than that left"),
	OPT_SIZE(0, "min-free-space", "SIZE", struct builder_prune_args, min_free, "Only as much as is needed for that much free space"),
	OPT_SIZE(0, "reserved-space", "SIZE", struct builder_prune_args, reserved, "Keep that much of what was used last, in any case"),
	OPT_MOOT(0, "timeout", "DURATION", "How long to wait for a builder to start: there is none to start"),
	OPT_BOOL(0, "verbose", struct builder_prune_args, verbose, "Print the id of each that went"),
	OPT_END
};
/* clang-format on */

/* What was used longest ago goes first, and only as much as has to. */
static int limits_of(const struct builder_prune_args *a, struct cache_limits *ret)
{
	*ret = (struct cache_limits){.all = a->all};
	ret->has_max = a->max_used || a->reserved || a->min_free;
	ret->min_free_bytes = a->min_free;
	ret->max_bytes = a->max_used                   ? a->max_used
			 : a->reserved && !a->min_free ? a->reserved
			 : a->min_free                 ? UINT64_MAX
						       : 0;
	ret->least_bytes = a->reserved;
	return cache_choice_parse(&a->filters, &ret->only);
}

static int builder_prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct builder_prune_args *a = args;
	struct cache_pruned gone = {0};
	struct cache_limits limits;
	char text[SIZE_TEXT_MAX];
	uint64_t bytes = 0;
	struct store *st;
	AUTO_STRV struct strv told = STRV_INIT;
	int r = limits_of(a, &limits);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r < 0 || (!a->force && !cmd_confirmed("This removes what builds keep for the next one, "
						  "and the caches of their commands.")))
		return r;
	if (a->verbose)
		limits.told = &told;
	r = cache_prune(st, &limits, &gone);
	if (r == 0)
		r = prune_reclaim(st, &bytes);
	if (r < 0)
		return err_wrap(r, "builder prune");
	size_format_word(bytes, text);
	for (size_t i = 0; i < told.n; i++)
		puts(told.v[i]);
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
