/* SPDX-License-Identifier: MIT */
/* "cuddy top": the processes of a container. */
#include <stdio.h>

#include "cmd/each.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/top.h"
#include "pkg/json/json.h"

struct top_args {
	struct each_one one;
};

static const struct opt top_opts[] = {
	OPT_BOOL('l', "latest", struct top_args, one.latest, "The newest container"),
	OPT_END,
};

/* "pid,user args" in any mixture of arguments and commas. */
static int descriptors_of(int argc, char **argv, struct strv *ret)
{
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] == '-')
			return err_usage("top '%s': flags of ps are not supported, as no ps runs; "
					 "name descriptors instead: %s",
					 argv[i], top_words());
		strv_split(ret, argv[i], ',');
	}
	if (argc == 0)
		strv_split(ret, "user pid ppid pcpu etime tty time args", ' ');
	return 0;
}

static int print_rows(struct json_object *rows, const struct strv *descriptors)
{
	AUTO_FREE struct column *columns = xcalloc(descriptors->n + 1, sizeof(*columns));
	const struct list_options o = {.columns = columns};

	for (size_t i = 0; i < descriptors->n; i++)
		columns[i] = (struct column){.header = top_header(descriptors->v[i]),
					     .field = descriptors->v[i]};
	return list_print(&o, rows, NULL, stdout);
}

static int top_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct top_args *a = args;
	AUTO_STRV struct strv descriptors = STRV_INIT;
	AUTO_JSON struct json_object *rows = NULL;
	struct container c;
	int r = each_open(ctx, "top", &a->one, &argc, &argv, &c);

	if (r < 0)
		return r;
	r = descriptors_of(argc, argv, &descriptors);
	if (r == 0) {
		r = container_top(&c, &descriptors, &rows);
		r = r < 0 ? err_wrap(r, "top %s", c.rec->name) : print_rows(rows, &descriptors);
	}
	container_done(&c);
	return r;
}

const struct command cmd_top = {
	.name = "top",
	.synopsis = "[OPTIONS] CONTAINER [DESCRIPTOR...]",
	.summary = "Show the processes of a container",
	.opts = top_opts,
	.args_size = sizeof(struct top_args),
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_RUNNING,
	.run = top_run,
};
