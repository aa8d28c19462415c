/* SPDX-License-Identifier: MIT */
/* "cuddy stats": what containers use, once or again and again. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/each.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/list.h"
#include "pkg/container/stats.h"
#include "pkg/json/json.h"

struct stats_args {
	bool all, latest, no_stream, no_trunc, no_reset;
	const char *format;
	unsigned interval;
};

static const struct stats_args stats_defaults = {.interval = 5};

static const struct opt stats_opts[] = {
	OPT_BOOL('a', "all", struct stats_args, all, "Also containers that do not run"),
	OPT_BOOL('l', "latest", struct stats_args, latest, "The newest container"),
	OPT_BOOL(0, "no-stream", struct stats_args, no_stream, "Print once and end"),
	OPT_BOOL(0, "no-trunc", struct stats_args, no_trunc, "Whole ids"),
	OPT_BOOL(0, "no-reset", struct stats_args, no_reset, "Do not clear the screen in between"),
	OPT_STR(0, "format", "TEMPLATE", struct stats_args, format,
		"Print as json or by a Go template"),
	OPT_UINT('i', "interval", "SECONDS", struct stats_args, interval, "Time between two looks",
		 .min = 1, .max = 86400),
	OPT_END,
};

static const struct column columns[] = {
	{"ID", "ID"},
	{"NAME", "Name"},
	{"CPU %", "CPUPerc"},
	{"MEM USAGE / LIMIT", "MemUsage"},
	{"MEM %", "MemPerc"},
	{"NET IO", "NetIO"},
	{"BLOCK IO", "BlockIO"},
	{"PIDS", "PIDS"},
	{"CPU TIME", "CPUTime"},
	{"AVG CPU %", "AVGCPU"},
	{NULL, NULL},
};

/* The looks of the last round, by id. */
struct seen {
	struct {
		char id[65];
		struct stats s;
	} * v;
	size_t n;
};

static const struct stats *find(const struct seen *seen, const char *id)
{
	for (size_t i = 0; i < seen->n; i++)
		if (strcmp(seen->v[i].id, id) == 0)
			return &seen->v[i].s;
	return NULL;
}

static int look(struct store *st, const struct stats_args *a, const char *name, bool named,
		const struct seen *before, struct seen *now, struct json_object *rows,
		struct json_object *json)
{
	struct json_object *row, *j;
	struct container c;
	struct stats s;
	int r = container_open(st, name, &c);

	if (r == -CE_NO_CONTAINER && (!named || before->n)) { /* it went since */
		err_drop();
		return 0;
	}
	if (r < 0)
		return err_wrap(r, "stats");
	r = stats_read(&c, &s);
	if (r == 0) {
		stats_rows(&c, &s, find(before, c.rec->id), a->no_trunc, &row, &j);
		(void)json_object_array_add(rows, row);
		(void)json_object_array_add(json, j);
		now->v = xreallocarray(now->v, now->n + 1, sizeof(*now->v));
		(void)snprintf(now->v[now->n].id, sizeof(now->v[0].id), "%s", c.rec->id);
		now->v[now->n++].s = s;
	} else {
		r = err_wrap(r, "stats %s", c.rec->name);
	}
	container_done(&c);
	return r;
}

static int select_names(struct store *st, const struct stats_args *a, int argc, char **argv,
			struct strv *names)
{
	const struct strv none = STRV_INIT;
	const struct each_args ea = {.latest = a->latest};
	const struct each e = {.args = &ea, .verb = "stats"};

	if (argc || a->latest)
		return each_select(st, &e, argc, argv, names);
	return container_select(st, &none, !a->all, names);
}

static int print(const struct stats_args *a, struct json_object *rows, struct json_object *json)
{
	const struct list_options o = {.format = a->format, .columns = columns};
	bool clear = !a->no_stream && !a->no_reset && !a->format && isatty(1);

	if (clear)
		(void)fputs("\033[H\033[J", stdout);
	return list_print(&o, rows, json, stdout);
}

static int one_round(struct store *st, const struct stats_args *a, int argc, char **argv,
		     struct seen *seen)
{
	AUTO_JSON struct json_object *rows = json_object_new_array();
	AUTO_JSON struct json_object *json = json_object_new_array();
	AUTO_STRV struct strv names = STRV_INIT;
	bool named = argc || a->latest;
	struct seen now = {0};
	int r = select_names(st, a, argc, argv, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = look(st, a, names.v[i], named, seen, &now, rows, json);
	if (r == 0)
		r = print(a, rows, json);
	if (r == 0 && fflush(stdout) != 0)
		r = err_new(-errno, "write to standard output");
	/* Those that were named have all gone: nothing more will come. */
	if (r == 0 && named && now.n == 0)
		r = 1;
	free(seen->v);
	*seen = now;
	return r;
}

static int stats_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct stats_args *a = args;
	const struct timespec pause = {.tv_sec = a->interval};
	struct seen seen = {0};
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && a->all + a->latest + (argc > 0) > 1)
		r = err_usage("stats: names, --all and --latest contradict each other");
	while (r == 0) {
		r = one_round(st, a, argc, argv, &seen);
		if (r != 0 || a->no_stream)
			break;
		(void)nanosleep(&pause, NULL);
	}
	free(seen.v);
	return r < 0 ? r : 0;
}

const struct command cmd_stats = {
	.name = "stats",
	.synopsis = "[OPTIONS] [CONTAINER...]",
	.summary = "Show what running containers use",
	.opts = stats_opts,
	.args_size = sizeof(struct stats_args),
	.defaults = &stats_defaults,
	.max_args = -1,
	.complete = COMPLETE_RUNNING,
	.run = stats_run,
};
