/* SPDX-License-Identifier: MIT */
/* "cuddy logs": what a container has written. */
#include <stdlib.h>
#include <string.h>

#include "cmd/each.h"
#include "cmd/each_pod.h"
#include "cmd/when.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/conmon/logs.h"
#include "pkg/container/container.h"
#include "pkg/sys/lock.h"

struct logs_args {
	struct each_args each;
	bool follow, timestamps, names, color;
	const char *since, *until, *tail;
	bool details;
};

static const struct opt logs_opts[] = {
	OPT_BOOL('f', "follow", struct logs_args, follow, "Go on with what is written later"),
	OPT_BOOL('l', "latest", struct logs_args, each.latest, "The newest container"),
	OPT_STR(0, "since", "TIME", struct logs_args, since, "From this time or duration ago on"),
	OPT_STR(0, "until", "TIME", struct logs_args, until, "Up to this time or duration ago"),
	OPT_STR(0, "tail", "LINES", struct logs_args, tail, "The last lines only"),
	OPT_BOOL('t', "timestamps", struct logs_args, timestamps, "Put the time before each line"),
	OPT_BOOL('n', "names", struct logs_args, names,
		 "Of several containers: begin lines with their names, not their ids"),
	OPT_BOOL(0, "details", struct logs_args, details,
		 "Lines have no details besides: accepted for scripts", .hidden = true),
	OPT_BOOL(0, "color", struct logs_args, color, "Of several containers: a colour for each"),
	OPT_END,
};

static int read_options(const struct logs_args *a, struct logs_options *o)
{
	uint64_t n;
	int r = when_parse("since", a->since, false, &o->since_ns);

	if (r == 0)
		r = when_parse("until", a->until, false, &o->until_ns);
	o->tail = -1;
	if (r == 0 && a->tail && strcmp(a->tail, "all") != 0 && strcmp(a->tail, "-1") != 0) {
		if (parse_u64(a->tail, INT64_MAX, &n) < 0)
			return err_usage("--tail '%s': write a number of lines or 'all'", a->tail);
		o->tail = (int64_t)n;
	}
	o->follow = a->follow;
	o->timestamps = a->timestamps;
	return r;
}

static bool still_running(void *arg)
{
	const struct container *c = arg;

	return lock_is_held(c->dirs.runtime_fd, "lock") == 1;
}

/* A container whose log is printed, and what logs_print() refers to. */
struct logged {
	struct container c;
	bool open;
	char *path, *label;
};

static char *label_of(const struct logs_args *a, const struct container *c, size_t i)
{
	AUTO_FREE char *name = a->names ? xstrdup(c->rec->name) : xstrndup(c->rec->id, 12);

	return a->color ? xasprintf("\033[%zum%s\033[0m ", 31 + i % 6, name)
			: xasprintf("%s ", name);
}

static int logs_open(struct store *st, const struct logs_args *a, const char *name, size_t i,
		     bool several, struct logged *l, struct logs_source *ret)
{
	const struct container_record *rec;
	int r = container_open(st, name, &l->c);

	if (r < 0)
		return r;
	l->open = true;
	rec = l->c.rec;
	*ret = (struct logs_source){.driver = container_log_driver(rec->log_driver),
				    .still_running = still_running,
				    .arg = &l->c};
	if (ret->driver == CONMON_LOG_NONE || ret->driver == CONMON_LOG_PASSTHROUGH)
		return err_new(-CE_UNSUPPORTED,
			       "it was started with --log-driver %s, which keeps nothing",
			       rec->log_driver);
	if (ret->driver == CONMON_LOG_JOURNALD)
		l->path = xstrdup(rec->id);
	else
		l->path = container_log_path(rec, l->c.dirs.data_path);
	l->label = several ? label_of(a, &l->c, i) : NULL;
	ret->path = l->path;
	ret->label = l->label;
	return 0;
}

static int print_logs(struct store *st, const struct logs_args *a, const struct logs_options *o,
		      const struct strv *names)
{
	AUTO_FREE struct logged *l = xcalloc(names->n, sizeof(*l));
	AUTO_FREE struct logs_source *sources = xcalloc(names->n, sizeof(*sources));
	size_t n;
	int r = 0;

	for (n = 0; r == 0 && n < names->n; n++) {
		r = logs_open(st, a, names->v[n], n, names->n > 1, &l[n], &sources[n]);
		if (r < 0)
			r = err_wrap(r, "logs %s", names->v[n]);
	}
	if (r == 0) {
		r = logs_print(sources, (unsigned)n, o);
		if (r < 0)
			r = err_wrap(r, "logs");
	}
	while (n-- > 0) {
		if (l[n].open)
			container_done(&l[n].c);
		free(l[n].path);
		free(l[n].label);
	}
	return r;
}

static int logs_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct logs_args *a = args;
	const struct each e = {.args = &a->each, .verb = "logs"};
	AUTO_STRV struct strv names = STRV_INIT;
	struct logs_options o = {0};
	struct store *st;
	int r = read_options(a, &o);

	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = each_select(st, &e, argc, argv, &names);
	return r == 0 ? print_logs(st, a, &o, &names) : r;
}

const struct command cmd_logs = {
	.name = "logs",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Print what containers have written",
	.opts = logs_opts,
	.args_size = sizeof(struct logs_args),
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = logs_run,
};

struct pod_logs_args {
	struct logs_args logs;
	struct strv containers;
};

static const struct opt pod_logs_opts[] = {
	OPT_LIST('c', "container", "CONTAINER", struct pod_logs_args, containers,
		 "Only of these containers of the pod", .complete = COMPLETE_CONTAINER),
	OPT_GROUP(logs_opts, struct pod_logs_args, logs),
	OPT_END,
};

static bool is_wanted(const struct pod_logs_args *a, const struct container_record *rec)
{
	for (size_t i = 0; i < a->containers.n; i++)
		if (strcmp(a->containers.v[i], rec->name) == 0 ||
		    strncmp(a->containers.v[i], rec->id, strlen(a->containers.v[i])) == 0)
			return true;
	return a->containers.n == 0 && !rec->is_infra;
}

static int pod_logs_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct pod_logs_args *a = args;
	const struct each_pod_args ea = {.latest = a->logs.each.latest};
	const struct each_pod e = {.args = &ea, .verb = "pod logs"};
	AUTO(pod_record_done) struct pod_record pod = {0};
	AUTO(pod_members_done) struct pod_members m = {0};
	AUTO_STRV struct strv names = STRV_INIT, ids = STRV_INIT;
	struct logs_options o = {0};
	struct store *st;
	int r = read_options(&a->logs, &o);

	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = each_pod_names(st, &e, argc, argv, &names);
	if (r == 0)
		r = pod_resolve(st, names.v[0], &pod);
	if (r == 0)
		r = pod_members(st, &pod, &m);
	for (size_t i = 0; r == 0 && i < m.n; i++)
		if (is_wanted(a, m.v[i].rec))
			strv_add(&ids, m.v[i].rec->id);
	if (r == 0 && a->containers.n && ids.n < a->containers.n)
		r = err_new(-CE_NO_CONTAINER, "--container: in the pod %s", pod.name);
	if (r < 0)
		return r == -CE_USAGE ? r : err_wrap(r, "pod logs");
	return ids.n ? print_logs(st, &a->logs, &o, &ids) : 0;
}

const struct command cmd_pod_logs = {
	.name = "logs",
	.group = "pod",
	.synopsis = "[OPTIONS] POD",
	.summary = "Print what the containers of a pod have written",
	.opts = pod_logs_opts,
	.args_size = sizeof(struct pod_logs_args),
	.max_args = 1,
	.complete = COMPLETE_POD,
	.run = pod_logs_run,
};
