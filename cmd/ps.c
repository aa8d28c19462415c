/* SPDX-License-Identifier: MIT */
/* "cuddy ps": list containers. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/persona.h"
#include "cmd/show.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/events.h"
#include "pkg/container/list.h"
#include "pkg/json/json.h"

struct ps_args {
	bool all, latest, no_trunc, quiet, no_heading, size, namespaces, external, sync, pod;
	unsigned last, watch;
	struct strv filters;
	const char *format, *sort;
};

static const struct opt ps_opts[] = {
	OPT_BOOL('a', "all", struct ps_args, all, "All containers, not only running ones"),
	OPT_LIST('f', "filter", "KEY=VALUE", struct ps_args, filters, "Only containers that match"),
	OPT_STR(0, "format", "FORMAT", struct ps_args, format,
		"Print as json or through a Go template"),
	OPT_UINT('n', "last", "N", struct ps_args, last,
		 "The N newest containers, whatever their state", .max = 1000000),
	OPT_BOOL('l', "latest", struct ps_args, latest, "The newest container"),
	OPT_BOOL(0, "no-trunc", struct ps_args, no_trunc, "Do not shorten ids and commands"),
	OPT_BOOL(0, "notruncate", struct ps_args, no_trunc, "Do not shorten", .hidden = true),
	OPT_BOOL('q', "quiet", struct ps_args, quiet, "Only ids"),
	OPT_BOOL(0, "noheading", struct ps_args, no_heading, "No table heading"),
	OPT_BOOL('s', "size", struct ps_args, size, "Show what each takes on disk"),
	OPT_BOOL(0, "namespace", struct ps_args, namespaces, "Show the namespaces of each"),
	OPT_BOOL(0, "ns", struct ps_args, namespaces, "Show the namespaces of each",
		 .hidden = true),
	OPT_BOOL('p', "pod", struct ps_args, pod, "Show which pod each is in"),
	OPT_BOOL(0, "external", struct ps_args, external,
		 "Also what other programs keep in the store: nothing"),
	OPT_BOOL(0, "storage", struct ps_args, external, "As --external", .hidden = true),
	OPT_BOOL(0, "sync", struct ps_args, sync,
		 "Look at what is true now: always so, and with this an event says so"),
	OPT_UINT('w', "watch", "SECONDS", struct ps_args, watch, "Print it again and again",
		 .max = 86400),
	OPT_STR(0, "sort", "KEY", struct ps_args, sort, "Order", .complete = COMPLETE_WORDS,
		.words = "command created id image names runningfor size status"),
	OPT_END,
};

static const struct column ps_columns[] = {
	{"CONTAINER ID", "ID"},    {"IMAGE", "Image"},   {"COMMAND", "Command"},
	{"CREATED", "RunningFor"}, {"STATUS", "Status"}, {"PORTS", "Ports"},
	{"NAMES", "Names"},        {NULL, NULL},
};

static const struct column ps_columns_size[] = {
	{"CONTAINER ID", "ID"},    {"IMAGE", "Image"},   {"COMMAND", "Command"},
	{"CREATED", "RunningFor"}, {"STATUS", "Status"}, {"PORTS", "Ports"},
	{"NAMES", "Names"},        {"SIZE", "Size"},     {NULL, NULL},
};

static const struct column ps_columns_pod[] = {
	{"CONTAINER ID", "ID"}, {"IMAGE", "Image"},
	{"COMMAND", "Command"}, {"CREATED", "RunningFor"},
	{"STATUS", "Status"},   {"PORTS", "Ports"},
	{"NAMES", "Names"},     {"POD ID", "Pod"},
	{"PODNAME", "PodName"}, {NULL, NULL},
};

static const struct column ps_columns_ns[] = {
	{"CONTAINER ID", "ID"}, {"NAMES", "Names"}, {"PID", "Pid"}, {"CGROUPNS", "Cgroup"},
	{"IPC", "IPC"},         {"MNT", "MNT"},     {"NET", "NET"}, {"PIDNS", "PIDNS"},
	{"USERNS", "USERNS"},   {"UTS", "UTS"},     {NULL, NULL},
};

static int check(const struct ps_args *a)
{
	if (a->pod && (a->namespaces || a->size))
		return err_usage("ps: --pod goes with neither --namespace nor --size");
	if (a->namespaces && a->size)
		return err_usage("ps: --namespace and --size contradict each other");
	if (a->latest && a->last)
		return err_usage("ps: --latest and --last contradict each other");
	if (a->quiet && a->format && strcmp(a->format, "json") == 0)
		return err_usage("ps: --quiet and --format json contradict each other");
	return 0;
}

static void add_row(void *arg, const char *const cells[LIST_CELLS])
{
	list_table_row(arg, cells);
}

/* The default table and -q, for which no objects are made. */
static int print_table(struct store *st, const struct list_query *q, const struct list_options *o)
{
	struct list_table *t = list_table_new(o);
	int r = container_list_cells(st, q, add_row, t);

	if (r == 0)
		list_table_print(t, stdout);
	list_table_free(t);
	return r;
}

static int print_once(struct store *st, const struct list_query *q, const struct list_options *o)
{
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	int r;

	if ((!o->format || strcmp(o->format, "table") == 0) && o->columns == ps_columns)
		return print_table(st, q, o);
	r = container_list(st, q, &rows, &json);
	if (r == 0 && rows)
		show_as_docker(rows);
	return r < 0 ? r : list_print(o, rows, json, stdout);
}

static int print_again(struct store *st, const struct list_query *q, const struct list_options *o,
		       unsigned seconds)
{
	const struct timespec pause = {.tv_sec = seconds};

	for (;;) {
		int r;

		if (seconds && isatty(1))
			(void)fputs("\033[H\033[2J", stdout);
		r = print_once(st, q, o);
		if (r < 0 || !seconds)
			return r;
		(void)fflush(stdout);
		(void)nanosleep(&pause, NULL);
	}
}

static int tell_sync(const struct container *c, void *st)
{
	container_event(st, c->rec, "sync", NULL);
	return 0;
}

static int ps_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct ps_args *a = args;
	AUTO_STRV struct strv pods = STRV_INIT;
	const struct list_query q = {
		.pods = &pods,
		.all = a->all,
		.no_trunc = a->no_trunc,
		.size = a->size,
		.json = a->format && strcmp(a->format, "json") == 0 && persona() != PERSONA_DOCKER,
		.namespaces = a->namespaces || list_wants_namespaces(a->format),
		.last = a->latest ? 1 : (int64_t)a->last,
		.filters = &a->filters,
		.sort = a->sort};
	const struct list_options o = show_options(a->format, a->quiet, a->no_heading, "ID",
						   a->namespaces ? ps_columns_ns
						   : a->pod      ? ps_columns_pod
						   : a->size     ? ps_columns_size
								 : ps_columns);
	struct store *st;
	int r = check(a);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0 && (a->pod || a->format))
		r = list_pods(st, &pods);
	if (r == 0 && a->sync)
		r = container_each(st, tell_sync, st);
	return r < 0 ? r : print_again(st, &q, &o, a->watch);
}

const struct command cmd_ps = {
	.name = "ps",
	.synopsis = "[OPTIONS]",
	.summary = "List containers",
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.run = ps_run,
};
