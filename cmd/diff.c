/* SPDX-License-Identifier: MIT */
/* "cuddy diff": which files a container or the last layer of an image added, changed or removed. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/each.h"
#include "cmd/show.h"
#include "pkg/base/err.h"
#include "pkg/container/diff.h"
#include "pkg/json/json.h"

struct diff_args {
	const char *format;
	struct each_one which;
};

#define FORMAT_OPT(T)                                                                          \
	OPT_STR(0, "format", "FORMAT", T, format, "Print as json", .complete = COMPLETE_WORDS, \
		.words = "json", .strict = true)

static const struct opt diff_opts[] = {
	FORMAT_OPT(struct diff_args),
	OPT_BOOL('l', "latest", struct diff_args, which.latest,
		 "The container made last, instead of a name"),
	OPT_END,
};

static const struct opt image_diff_opts[] = {
	FORMAT_OPT(struct diff_args),
	OPT_END,
};

static void print_lines(const struct tree_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		(void)printf("%c ", "CAD"[c->v[i].kind]);
		put_untrusted(stdout, c->v[i].path);
		(void)putchar('\n');
	}
}

static void print_json(const struct tree_changes *c)
{
	static const char *const keys[] = {
		[TREE_CHANGED] = "changed", [TREE_ADDED] = "added", [TREE_DELETED] = "deleted"};
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		struct json_object *list = json_object_new_array();

		for (size_t i = 0; i < c->n; i++)
			if (c->v[i].kind == k)
				(void)json_object_array_add(list,
							    json_object_new_string(c->v[i].path));
		if (json_object_array_length(list))
			json_set(o, keys[k], list);
		else
			(void)json_object_put(list);
	}
	json_write(o, true, &text);
	(void)puts(text.s);
}

static int run_of(struct cmd_ctx *ctx, enum diff_of of, const struct diff_args *a, int argc,
		  char **argv)
{
	AUTO(tree_changes_done) struct tree_changes changes = {0};
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = diff_objects(st, of, argv[0], argc > 1 ? argv[1] : NULL, &changes);
	if (r < 0)
		return err_wrap(r, "diff");
	if (a->format)
		print_json(&changes);
	else
		print_lines(&changes);
	return 0;
}

static int run_any(struct cmd_ctx *ctx, enum diff_of of, const struct diff_args *a, int argc,
		   char **argv)
{
	char id[65], *words[2] = {id, argc ? argv[0] : NULL};
	struct container c;
	int r;

	if (!a->which.latest && argc)
		return run_of(ctx, of, a, argc, argv);
	r = each_open(ctx, "diff", &a->which, &argc, &argv, &c);
	if (r < 0)
		return r;
	memcpy(id, c.rec->id, sizeof(id));
	container_done(&c);
	return run_of(ctx, DIFF_CONTAINER, a, argc + 1, words);
}

static int diff_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	return run_any(ctx, DIFF_ANY, args, argc, argv);
}

static int container_diff_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	return run_any(ctx, DIFF_CONTAINER, args, argc, argv);
}

static int image_diff_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	return run_of(ctx, DIFF_IMAGE, args, argc, argv);
}

const struct command cmd_diff = {
	.name = "diff",
	.synopsis = "[OPTIONS] CONTAINER|IMAGE [CONTAINER|IMAGE]",
	.summary = "Show which files were added, changed or deleted",
	.opts = diff_opts,
	.args_size = sizeof(struct diff_args),
	.max_args = 2,
	.complete = COMPLETE_CONTAINER,
	.run = diff_run,
};

const struct command cmd_container_diff = {
	.name = "diff",
	.group = "container",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER|IMAGE]",
	.summary = "Show which files a container added, changed or deleted",
	.opts = diff_opts,
	.args_size = sizeof(struct diff_args),
	.max_args = 2,
	.complete = COMPLETE_CONTAINER,
	.run = container_diff_run,
};

const struct command cmd_image_diff = {
	.name = "diff",
	.group = "image",
	.synopsis = "[OPTIONS] IMAGE [CONTAINER|IMAGE]",
	.summary = "Show which files an image's last layer added, changed or deleted",
	.opts = image_diff_opts,
	.args_size = sizeof(struct diff_args),
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_IMAGE,
	.run = image_diff_run,
};
