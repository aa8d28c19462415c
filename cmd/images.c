/* SPDX-License-Identifier: MIT */
/* "cuddy images": list images. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/image/list.h"
#include "pkg/image/list_tree.h"
#include "pkg/json/json.h"

struct images_args {
	bool all, digests, history, no_trunc, quiet, no_heading, tree;
	struct strv filters;
	const char *format, *sort;
};

static const struct opt images_opts[] = {
	OPT_BOOL('a', "all", struct images_args, all,
		 "Also nameless images that others were built on"),
	OPT_BOOL(0, "digests", struct images_args, digests, "Show digests"),
	OPT_LIST('f', "filter", "KEY=VALUE", struct images_args, filters, "Only images that match"),
	OPT_STR(0, "format", "FORMAT", struct images_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL(0, "history", struct images_args, history, "Show the names each has"),
	OPT_BOOL(0, "no-trunc", struct images_args, no_trunc, "Do not shorten ids"),
	OPT_BOOL(0, "notruncate", struct images_args, no_trunc, "Do not shorten", .hidden = true),
	OPT_BOOL('n', "noheading", struct images_args, no_heading, "No table heading"),
	OPT_BOOL('q', "quiet", struct images_args, quiet, "Only ids, each once"),
	OPT_STR(0, "sort", "KEY", struct images_args, sort, "Order", .complete = COMPLETE_WORDS,
		.words = "created id repository size tag"),
	OPT_BOOL(0, "tree", struct images_args, tree,
		 "Below each list, and each image that came from one, its platforms"),
	OPT_END,
};

#define COLUMNS_MAX 9

/* R/O only where one is: as podman shows it. */
static void choose_columns(const struct images_args *a, bool read_only, struct column v[COLUMNS_MAX])
{
	const struct {
		struct column column;
		bool shown;
	} all[] = {
		{{"REPOSITORY", "Repository"}, true},
		{{"TAG", "Tag"}, true},
		{{"DIGEST", "Digest"}, a->digests},
		{{"IMAGE ID", "ID"}, true},
		{{"CREATED", "CreatedSince"}, true},
		{{"SIZE", "Size"}, true},
		{{"HISTORY", "History"}, a->history},
		{{"R/O", "ReadOnly"}, read_only},
	};
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].shown)
			v[n++] = all[i].column;
	v[n] = (struct column){NULL, NULL};
}

static bool any_read_only(struct json_object *rows)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		bool is = false;

		if (json_get_bool(json_object_array_get_idx(rows, i), "ReadOnly", &is) == 0 && is)
			return true;
	}
	return false;
}

static int check_tree(const struct images_args *a)
{
	const struct {
		const char *flag;
		bool set;
	} others[] = {{"--digests", a->digests}, {"--format", a->format != NULL},
		      {"--history", a->history}, {"--no-trunc", a->no_trunc},
		      {"--quiet", a->quiet}};

	for (size_t i = 0; a->tree && i < ARRAY_LEN(others); i++)
		if (others[i].set)
			return err_usage("images: --tree goes not with %s", others[i].flag);
	return 0;
}

/* In use is what a container was made from. */
static int print_tree(struct store *st, const struct images_args *a, struct json_object *images)
{
	static const struct column columns[] = {{"IMAGE", "Image"},
						{"ID", "ID"},
						{"DISK USAGE", "DiskUsage"},
						{"CONTENT SIZE", "ContentSize"},
						{"EXTRA", "Extra"},
						{NULL, NULL}};
	const struct list_options o = show_options(NULL, false, a->no_heading, NULL, columns);
	AUTO_JSON struct json_object *rows = NULL;
	int r = image_tree_rows(st, images, &rows);

	return r < 0 ? err_wrap(r, "images") : list_print(&o, rows, NULL, stdout);
}

static int images_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct images_args *a = args;
	const struct image_query q = {.all = a->all,
				      .no_trunc = a->no_trunc,
				      .digests = a->digests,
				      .history = a->history,
				      .once = a->quiet && !a->format,
				      .detail = a->format || a->tree,
				      .reference = argc ? argv[0] : NULL,
				      .filters = &a->filters,
				      .sort = a->sort};
	struct column columns[COLUMNS_MAX];
	struct list_options o;
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	struct store *st;
	int r = check_tree(a);

	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = image_list(st, &q, &rows, &json);
	if (r < 0)
		return r;
	if (a->tree)
		return print_tree(st, a, json);
	choose_columns(a, any_read_only(rows), columns);
	o = show_options(a->format, a->quiet, a->no_heading, "ID", columns);
	return list_print(&o, rows, json, stdout);
}

const struct command cmd_images = {
	.name = "images",
	.synopsis = "[OPTIONS] [IMAGE]",
	.summary = "List images",
	.opts = images_opts,
	.args_size = sizeof(struct images_args),
	.max_args = 1,
	.complete = COMPLETE_IMAGE,
	.run = images_run,
};
