/* SPDX-License-Identifier: MIT */
/* "cuddy search": asking is pkg/image's; this file parses and prints. */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "cmd/show.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/image/login.h"
#include "pkg/image/transfer_client.h"
#include "pkg/json/json.h"

#define DESCRIPTION_MAX 44

struct search_args {
	struct registry_args registry;
	const char *format;
	bool tags, no_trunc, compatible;
	unsigned limit;
	struct strv filters;
};

static const struct search_args search_defaults = {.registry = REGISTRY_ARGS_DEFAULTS, .limit = 25};

/* clang-format off */
static const struct opt search_opts[] = {
	OPT_GROUP(registry_opts, struct search_args, registry),
	OPT_BOOL(0, "compatible", struct search_args, compatible, "Also list stars, official and automated"),
	OPT_LIST('f', "filter", "KEY=VALUE", struct search_args, filters, "Only what is-official=, is-automated= or stars= says"),
	OPT_STR(0, "format", "FORMAT", struct search_args, format, "Print as json or through a Go template"),
	OPT_UINT(0, "limit", "N", struct search_args, limit, "At most so many from each registry", .min = 1, .max = 10000),
	OPT_BOOL(0, "list-tags", struct search_args, tags, "List the tags of a repository"),
	OPT_BOOL(0, "no-trunc", struct search_args, no_trunc, "Do not shorten descriptions"),
	OPT_END
};
/* clang-format on */

static const struct column plain[] = {
	{"NAME", "Name"}, {"DESCRIPTION", "Description"}, {NULL, NULL}};
static const struct column compatible[] = {
	{"NAME", "Name"},         {"DESCRIPTION", "Description"}, {"STARS", "Stars"},
	{"OFFICIAL", "Official"}, {"AUTOMATED", "Automated"},     {NULL, NULL}};
static const struct column tags[] = {{"NAME", "Name"}, {"TAG", "Tag"}, {NULL, NULL}};

static void shorten(struct json_object *rows)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		const char *text = NULL;

		if (json_get_str(row, "Description", &text) == 0 && text &&
		    strlen(text) > DESCRIPTION_MAX) {
			AUTO_FREE char *cut = xasprintf("%.*s...", DESCRIPTION_MAX, text);

			json_set_str(row, "Description", cut);
		}
	}
}

/* [{"Name": …, "Tags": […]}]: a repository after the other. */
static struct json_object *tags_json(struct json_object *rows)
{
	struct json_object *all = json_object_new_array(), *of = NULL;
	const char *last = "";

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i), *o;
		const char *name = "", *tag = "";

		if (json_get_str(row, "Name", &name) < 0 || json_get_str(row, "Tag", &tag) < 0)
			err_drop();
		if (!of || strcmp(name, last) != 0) {
			o = json_object_new_object();
			of = json_object_new_array();
			json_set_str(o, "Name", name);
			json_set(o, "Tags", of);
			(void)json_object_array_add(all, o);
			last = name;
		}
		(void)json_object_array_add(of, json_object_new_string(tag));
	}
	return all;
}

static int search_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct search_args *a = args;
	const struct list_options o = show_options(a->format, false, false, "Name",
						   a->tags         ? tags
						   : a->compatible ? compatible
								   : plain);
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	struct transfer_access access;
	struct registry_filter filter;
	int r = registry_access_of(&a->registry, &access);

	(void)ctx;
	(void)argc;
	if (r == 0)
		r = registry_filter_parse(&a->filters, &filter);
	if (r == 0 && a->tags && a->filters.n)
		r = err_usage("search: --filter goes not with --list-tags");
	if (r == 0) {
		transfer_expect();
		r = registry_find(argv[0], a->tags, a->limit, &access, &rows);
	}
	if (r < 0)
		return r;
	registry_filter_apply(&filter, rows);
	if (!a->no_trunc && !a->format)
		shorten(rows);
	if (a->tags)
		json = tags_json(rows);
	/* Nothing found is an empty answer, not an empty table. */
	if (!a->format && json_object_array_length(rows) == 0)
		return 0;
	return list_print(&o, rows, json, stdout);
}

const struct command cmd_search = {
	.name = "search",
	.synopsis = "[OPTIONS] TERM",
	.summary = "Search registries for repositories, or list the tags of one",
	.opts = search_opts,
	.args_size = sizeof(struct search_args),
	.defaults = &search_defaults,
	.min_args = 1,
	.max_args = 1,
	.run = search_run,
};
