/* SPDX-License-Identifier: MIT */
/* "cuddy tag" and "cuddy untag": give names to images, and take them away. */
#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/image/tag.h"

struct tag_args {
	bool unused;
};

static const struct opt tag_opts[] = {OPT_END};

static int with_names(struct cmd_ctx *ctx, const char *verb, int argc, char **argv,
		      int (*fn)(struct store *st, const char *image, const struct strv *names))
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	for (int i = 1; i < argc; i++)
		strv_add(&names, argv[i]);
	if (r == 0)
		r = fn(st, argv[0], &names);
	return r < 0 ? err_wrap(r, "%s", verb) : 0;
}

static int tag_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)args;
	return with_names(ctx, "tag", argc, argv, image_tag);
}

static int untag_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)args;
	return with_names(ctx, "untag", argc, argv, image_untag);
}

const struct command cmd_tag = {
	.name = "tag",
	.synopsis = "IMAGE NAME [NAME...]",
	.summary = "Give an image another name",
	.opts = tag_opts,
	.args_size = sizeof(struct tag_args),
	.min_args = 2,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = tag_run,
};

const struct command cmd_untag = {
	.name = "untag",
	.synopsis = "IMAGE [NAME...]",
	.summary = "Take names away from an image, all when none is given; the image stays",
	.opts = tag_opts,
	.args_size = sizeof(struct tag_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = untag_run,
};
