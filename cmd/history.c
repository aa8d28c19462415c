/* SPDX-License-Identifier: MIT */
/* "cuddy history": how an image was made. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/image/inspect.h"
#include "pkg/image/platform.h"
#include "pkg/json/json.h"

struct history_args {
	bool human, no_trunc, quiet;
	const char *format, *platform;
};

static const struct history_args history_defaults = {.human = true};

static const struct opt history_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct history_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('H', "human", struct history_args, human,
		 "Sizes and times for people (default); =false for numbers"),
	OPT_BOOL(0, "no-trunc", struct history_args, no_trunc, "Do not shorten"),
	OPT_BOOL(0, "notruncate", struct history_args, no_trunc, "Do not shorten", .hidden = true),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct history_args, platform,
		"Of a list the image for that platform; an image must be for it"),
	OPT_BOOL('q', "quiet", struct history_args, quiet, "Only ids"),
	OPT_END,
};

static int history_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {
		{"ID", "ID"},     {"CREATED", "Created"}, {"CREATED BY", "CreatedBy"},
		{"SIZE", "Size"}, {"COMMENT", "Comment"}, {NULL, NULL}};
	const struct history_args *a = args;
	const struct list_options o = show_options(a->format, a->quiet, false, "ID", columns);
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	AUTO_FREE char *matched = NULL;
	struct store *st;
	char id[65];
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0 && a->platform)
		r = image_of_platform(st, argv[0], a->platform, id, &matched);
	if (r == 0)
		r = image_history(st, a->platform ? id : argv[0], a->human, a->no_trunc, &rows,
				  &json);
	return r < 0 ? err_wrap(r, "history") : list_print(&o, rows, json, stdout);
}

const struct command cmd_history = {
	.name = "history",
	.synopsis = "[OPTIONS] IMAGE",
	.summary = "Show how an image was made",
	.opts = history_opts,
	.args_size = sizeof(struct history_args),
	.defaults = &history_defaults,
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_IMAGE,
	.run = history_run,
};
