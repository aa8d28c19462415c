/* SPDX-License-Identifier: MIT */
/* "cuddy image lint": what an image ships and should not. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/weight.h"
#include "pkg/json/json.h"

#define HAS_SECRETS 1

struct lint_args {
	bool no_heading;
	const char *format;
};

static const struct opt lint_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct lint_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('n', "noheading", struct lint_args, no_heading, "No table heading"),
	OPT_END,
};

static char *reason(const struct weight_file *f)
{
	if (f->secret && f->hidden_by)
		return xasprintf("%s; hidden by layer %u, still in the image", f->secret,
				 f->hidden_by);
	return f->secret ? xstrdup(f->secret) : xasprintf("hidden by layer %u", f->hidden_by);
}

static struct json_object *row_of(const struct weight_file *f)
{
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *why = reason(f);

	json_set_str(o, "Kind", f->secret ? "secret" : "wasted");
	json_set_size(o, "Size", f->bytes);
	json_set_i64(o, "RawSize", (int64_t)f->bytes);
	json_set_i64(o, "Layer", f->layer);
	json_set_i64(o, "HiddenBy", f->hidden_by);
	json_set_str(o, "Path", f->path);
	json_set_str(o, "Reason", why);
	return o;
}

static int lint_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {
		{"KIND", "Kind"}, {"SIZE", "Size"},     {"LAYER", "Layer"},
		{"PATH", "Path"}, {"REASON", "Reason"}, {NULL, NULL},
	};
	const struct lint_args *a = args;
	const struct list_options o = show_options(a->format, false, a->no_heading, NULL, columns);
	AUTO_JSON struct json_object *rows = json_object_new_array();
	AUTO(weight_done) struct weight w = {0};
	struct image_record *rec = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = image_find(st, argv[0], &rec, NULL);
	if (r == 0)
		r = weight_of(st, &rec->diffids, true, &w);
	image_record_free(rec);
	if (r < 0)
		return err_wrap(r, "image lint");
	for (size_t i = 0; i < w.n_files; i++)
		(void)json_object_array_add(rows, row_of(&w.files[i]));
	if (w.n_files && w.files[0].secret)
		ctx->status = HAS_SECRETS;
	return list_print(&o, rows, rows, stdout);
}

const struct command cmd_image_lint = {
	.name = "lint",
	.group = "image",
	.synopsis = "[OPTIONS] IMAGE",
	.summary = "Show wasted space and what looks like secrets in an image",
	.opts = lint_opts,
	.args_size = sizeof(struct lint_args),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_IMAGE,
	.run = lint_run,
};
