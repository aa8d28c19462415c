/* SPDX-License-Identifier: MIT */
/* "cuddy top": the processes of a container. */
#include <stdio.h>

#include "cmd/each.h"
#include "cmd/each_pod.h"
#include "cmd/top_ps.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/top.h"
#include "pkg/json/json.h"

struct top_args {
	struct each_one one;
};

static const struct opt top_opts[] = {
	OPT_BOOL('l', "latest", struct top_args, one.latest, "The newest one"),
	OPT_END,
};

/* "pid,user args" in any mixture of arguments and commas, or words for ps. */
static int descriptors_of(int argc, char **argv, struct strv *ret, struct strv *headings)
{
	if (top_is_ps(argc, argv))
		return top_ps_columns(argc, argv, ret, headings);
	for (int i = 0; i < argc; i++)
		strv_split(ret, argv[i], ',');
	if (argc == 0)
		strv_split(ret, "user pid ppid pcpu etime tty time args", ' ');
	for (size_t i = 0; i < ret->n; i++) {
		const char *heading = top_header(ret->v[i]);

		strv_add(headings, heading ? heading : ""); /* container_top() refuses it */
	}
	return 0;
}

static int print_rows(struct json_object *rows, const struct strv *descriptors,
		      const struct strv *headings)
{
	AUTO_FREE struct column *columns = xcalloc(descriptors->n + 1, sizeof(*columns));
	const struct list_options o = {.columns = columns};

	for (size_t i = 0; i < descriptors->n; i++)
		columns[i] = (struct column){.header = headings->v[i], .field = descriptors->v[i]};
	return list_print(&o, rows, NULL, stdout);
}

static int top_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct top_args *a = args;
	AUTO_STRV struct strv descriptors = STRV_INIT, headings = STRV_INIT;
	AUTO_JSON struct json_object *rows = NULL;
	struct container c;
	int r = each_open(ctx, "top", &a->one, &argc, &argv, &c);

	if (r < 0)
		return r;
	r = descriptors_of(argc, argv, &descriptors, &headings);
	if (r == 0) {
		r = container_top(&c, &descriptors, &rows);
		r = r < 0 ? err_wrap(r, "top %s", c.rec->name) : print_rows(rows, &descriptors, &headings);
	}
	container_done(&c);
	return r;
}

const struct command cmd_top = {
	.name = "top",
	.synopsis = "[OPTIONS] CONTAINER [DESCRIPTOR...|PS-OPTION...]",
	.summary = "Show the processes of a container",
	.opts = top_opts,
	.args_size = sizeof(struct top_args),
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_RUNNING,
	.run = top_run,
};

/* One table of all that run, in the order of the containers. */
static int pod_rows_of(const struct pod_members *m, const struct strv *descriptors,
		       struct json_object *all)
{
	for (size_t i = 0; i < m->n; i++) {
		AUTO_JSON struct json_object *rows = NULL;
		int r;

		if (!container_is_running(&m->v[i]))
			continue;
		r = container_top(&m->v[i], descriptors, &rows);
		if (r == -CE_BAD_STATE) { /* it ended since */
			err_drop();
			continue;
		}
		if (r < 0)
			return err_wrap(r, "%s", m->v[i].rec->name);
		for (size_t k = 0; k < json_object_array_length(rows); k++)
			(void)json_object_array_add(
				all, json_object_get(json_object_array_get_idx(rows, k)));
	}
	return json_object_array_length(all) ? 0 : err_new(-CE_BAD_STATE, "nothing of it runs");
}

static int pod_top_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct top_args *a = args;
	const struct each_pod_args ea = {.latest = a->one.latest};
	const struct each_pod e = {.args = &ea, .verb = "pod top"};
	int own = a->one.latest || !argc ? 0 : 1; /* operands that are the pod's name */
	AUTO(pod_record_done) struct pod_record pod = {0};
	AUTO(pod_members_done) struct pod_members m = {0};
	AUTO_STRV struct strv descriptors = STRV_INIT, headings = STRV_INIT, names = STRV_INIT;
	AUTO_JSON struct json_object *rows = json_object_new_array();
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = each_pod_names(st, &e, own, argv, &names);
	if (r == 0)
		r = descriptors_of(argc - own, argv + own, &descriptors, &headings);
	if (r == 0)
		r = pod_resolve(st, names.v[0], &pod);
	if (r == 0)
		r = pod_members(st, &pod, &m);
	if (r == 0)
		r = pod_rows_of(&m, &descriptors, rows);
	return r < 0 ? err_wrap(r, "pod top") : print_rows(rows, &descriptors, &headings);
}

const struct command cmd_pod_top = {
	.name = "top",
	.group = "pod",
	.synopsis = "[OPTIONS] POD [DESCRIPTOR...|PS-OPTION...]",
	.summary = "Show the processes of a pod",
	.opts = top_opts,
	.args_size = sizeof(struct top_args),
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_POD,
	.run = pod_top_run,
};
