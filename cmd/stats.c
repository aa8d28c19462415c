/* SPDX-License-Identifier: MIT */
/* "cuddy stats": what containers use, once or again and again. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/each.h"
#include "cmd/each_pod.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/list.h"
#include "pkg/container/stats.h"
#include "pkg/json/json.h"

struct stats_args {
	bool all, latest, no_stream, no_trunc, no_reset;
	bool pods; /* the names are those of pods */
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

static const struct column pod_columns[] = {
	{"POD", "Pod"},
	{"CID", "CID"},
	{"NAME", "Name"},
	{"CPU %", "CPUPerc"},
	{"MEM USAGE/ LIMIT", "MemUsage"},
	{"MEM %", "MemPerc"},
	{"NET IO", "NetIO"},
	{"BLOCK IO", "BlockIO"},
	{"PIDS", "PIDS"},
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

/* The columns that podman has of a container in a pod. */
static void add_pod(const struct container *c, bool no_trunc, struct json_object *row,
		    struct json_object *j)
{
	AUTO_FREE char *pod = xasprintf("%.*s", no_trunc ? 64 : 12, c->rec->pod),
		       *cid = xasprintf("%.*s", no_trunc ? 64 : 12, c->rec->id);

	json_set_str(row, "Pod", pod);
	json_set_str(row, "CID", cid);
	json_set_str(j, "Pod", c->rec->pod);
	json_set_str(j, "CID", c->rec->id);
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
		if (a->pods)
			add_pod(&c, a->no_trunc, row, j);
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

/* All that run, of the pods that are named, or of all. */
static int pod_containers(struct store *st, const struct stats_args *a, int argc, char **argv,
			  struct strv *ids)
{
	const struct each_pod_args ea = {.latest = a->latest, .all = !argc && !a->latest};
	const struct each_pod e = {.args = &ea, .verb = "pod stats"};
	AUTO_STRV struct strv pods = STRV_INIT;
	int r = each_pod_names(st, &e, argc, argv, &pods);

	for (size_t i = 0; r == 0 && i < pods.n; i++) {
		AUTO(pod_record_done) struct pod_record pod = {0};
		AUTO(pod_members_done) struct pod_members m = {0};

		r = pod_resolve(st, pods.v[i], &pod);
		if (r == 0)
			r = pod_members(st, &pod, &m);
		for (size_t k = 0; r == 0 && k < m.n; k++)
			if (container_is_running(&m.v[k]))
				strv_add(ids, m.v[k].rec->id);
	}
	return r < 0 && r != -CE_USAGE ? err_wrap(r, "pod stats") : r;
}

static int select_names(struct store *st, const struct stats_args *a, int argc, char **argv,
			struct strv *names)
{
	const struct strv none = STRV_INIT;
	const struct each_args ea = {.latest = a->latest};
	const struct each e = {.args = &ea, .verb = "stats"};

	if (a->pods)
		return pod_containers(st, a, argc, argv, names);
	if (argc || a->latest)
		return each_select(st, &e, argc, argv, names);
	return container_select(st, &none, !a->all, names);
}

static int print(const struct stats_args *a, struct json_object *rows, struct json_object *json)
{
	const struct list_options o = {.format = a->format,
				       .columns = a->pods ? pod_columns : columns};
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

static int pod_stats_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct stats_args a = *(const struct stats_args *)args;

	a.pods = true;
	return stats_run(ctx, &a, argc, argv);
}

static const struct opt pod_stats_opts[] = {
	OPT_BOOL('a', "all", struct stats_args, all, "All pods, as without a name"),
	OPT_BOOL('l', "latest", struct stats_args, latest, "The newest pod"),
	OPT_BOOL(0, "no-stream", struct stats_args, no_stream, "Print once and end"),
	OPT_BOOL(0, "no-trunc", struct stats_args, no_trunc, "Whole ids"),
	OPT_BOOL(0, "no-reset", struct stats_args, no_reset, "Do not clear the screen in between"),
	OPT_STR(0, "format", "TEMPLATE", struct stats_args, format,
		"Print as json or by a Go template"),
	OPT_END,
};

const struct command cmd_pod_stats = {
	.name = "stats",
	.group = "pod",
	.synopsis = "[OPTIONS] [POD...]",
	.summary = "Show what the containers of pods use",
	.opts = pod_stats_opts,
	.args_size = sizeof(struct stats_args),
	.defaults = &stats_defaults,
	.max_args = -1,
	.complete = COMPLETE_POD,
	.run = pod_stats_run,
};
