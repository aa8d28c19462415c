/* SPDX-License-Identifier: MIT */
/* "cuddy logs": what a container has written. */
#include <string.h>

#include "cmd/each.h"
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
	bool follow, timestamps, names;
	const char *since, *until, *tail;
};

static const struct opt logs_opts[] = {
	OPT_BOOL('f', "follow", struct logs_args, follow, "Go on with what is written later"),
	OPT_BOOL('l', "latest", struct logs_args, each.latest, "The newest container"),
	OPT_STR(0, "since", "TIME", struct logs_args, since, "From this time or duration ago on"),
	OPT_STR(0, "until", "TIME", struct logs_args, until, "Up to this time or duration ago"),
	OPT_STR(0, "tail", "LINES", struct logs_args, tail, "The last lines only"),
	OPT_BOOL('t', "timestamps", struct logs_args, timestamps, "Put the time before each line"),
	OPT_BOOL('n', "names", struct logs_args, names,
		 "Put the name of the container before each line"),
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

static int logs_one(struct store *st, const struct logs_args *a, struct logs_options *o,
		    const char *name)
{
	AUTO_FREE char *path = NULL;
	struct container c;
	int r = container_open(st, name, &c);

	if (r < 0)
		return r;
	path = c.rec->log_path ? xstrdup(c.rec->log_path) : path_join(c.dirs.data_path, "ctr.log");
	o->prefix = a->names ? c.rec->name : NULL;
	if (strcmp(c.rec->log_driver, "none") == 0 || strcmp(c.rec->log_driver, "passthrough") == 0)
		r = err_new(-CE_UNSUPPORTED,
			    "it was started with --log-driver %s, which keeps nothing",
			    c.rec->log_driver);
	else
		r = logs_print(path,
			       strcmp(c.rec->log_driver, "json-file") == 0 ? CONMON_LOG_JSON_FILE
									   : CONMON_LOG_K8S_FILE,
			       o, still_running, &c);
	container_done(&c);
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

	if (r == 0 && a->follow && argc > 1)
		r = err_usage("logs: --follow goes with one container");
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = each_select(st, &e, argc, argv, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = logs_one(st, a, &o, names.v[i]);
		if (r < 0)
			r = err_wrap(r, "logs %s", names.v[i]);
	}
	return r;
}

const struct command cmd_logs = {
	.name = "logs",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Print what a container has written",
	.opts = logs_opts,
	.args_size = sizeof(struct logs_args),
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = logs_run,
};
