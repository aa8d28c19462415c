/* SPDX-License-Identifier: MIT */
/* "cuddy buildx du": what builds keep for the next one. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/build/cache.h"
#include "pkg/build/cache_usage.h"
#include "pkg/json/json.h"

struct du_args {
	bool verbose;
	const char *format;
	struct strv filters;
};

static const struct opt du_opts[] = {
	OPT_LIST(0, "filter", "KEY=VALUE", struct du_args, filters, "Only what matches: type id until"),
	OPT_STR(0, "format", "FORMAT", struct du_args, format,
		"Print as json or through a Go template"),
	OPT_MOOT(0, "builder", "NAME", "Of one builder: all are the same"),
	OPT_MOOT(0, "timeout", "DURATION", "How long to wait for a builder to start: there is none to start"),
	OPT_BOOL(0, "verbose", struct du_args, verbose, "What each is, and when it was made"),
	OPT_END,
};

static int du_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column brief[] = {{"ID", "CacheID"},
					      {"RECLAIMABLE", "Reclaimable"},
					      {"SIZE", "Size"},
					      {"LAST ACCESSED", "LastUsed"},
					      {NULL, NULL}};
	static const struct column full[] = {
		{"ID", "CacheID"},      {"TYPE", "CacheType"}, {"RECLAIMABLE", "Reclaimable"},
		{"SIZE", "Size"},       {"CREATED", "Created"}, {"LAST ACCESSED", "LastUsed"},
		{"SHARED", "Shared"},   {NULL, NULL}};
	const struct du_args *a = args;
	const struct list_options o =
		show_options(a->format, false, false, NULL, a->verbose ? full : brief);
	AUTO(usage_done) struct usage u = {0};
	AUTO_JSON struct json_object *rows = NULL;
	const char *size = NULL, *reclaimable = NULL;
	struct json_object *kind;
	struct store *st;
	struct cache_choice only;
	int r = cache_choice_parse(&a->filters, &only);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = usage_count(st, false, &u);
	if (r == 0)
		r = cache_usage(st, &u, &only, &rows);
	for (size_t i = 0; r == 0 && i < json_object_array_length(rows); i++)
		json_set_str(json_object_array_get_idx(rows, i), "Reclaimable", "true");
	if (r == 0)
		r = list_print(&o, rows, NULL, stdout);
	if (r < 0 || a->format)
		return r < 0 ? err_wrap(r, "buildx du") : 0;
	kind = json_object_array_get_idx(u.kinds, json_object_array_length(u.kinds) - 1);
	r = json_get_str(kind, "Size", &size);
	if (r == 0)
		r = json_get_str(kind, "Reclaimable", &reclaimable);
	if (r == 0)
		(void)printf("Reclaimable:\t%s\nTotal:\t\t%s\n", reclaimable, size);
	return r;
}

const struct command cmd_buildx_du = {
	.name = "du",
	.group = "buildx",
	.synopsis = "[OPTIONS]",
	.summary = "Show what the build cache takes on disk",
	.opts = du_opts,
	.args_size = sizeof(struct du_args),
	.run = du_run,
};
