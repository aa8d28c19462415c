/* SPDX-License-Identifier: MIT */
/* "cuddy wait": until containers have exited, or are in another state; prints their codes. */
#include <stdio.h>
#include <string.h>

#include "cmd/each.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/wait.h"

struct wait_args {
	struct each_args each;
	struct strv conditions;
	const char *interval;
	bool first;
};

static const struct wait_args wait_defaults = {.interval = "250ms"};

static const struct opt wait_opts[] = {
	OPT_LIST(0, "condition", "STATE", struct wait_args, conditions,
		 "Wait for a state: created, running, stopping, exited, removing, healthy, "
		 "unhealthy or paused",
		 .complete = COMPLETE_WORDS,
		 .words = "configured created running paused stopping stopped exited removing "
			  "healthy unhealthy"),
	OPT_BOOL(0, "exit-first-match", struct wait_args, first,
		 "Return when the first of the containers is there"),
	OPT_STR('i', "interval", "TIME", struct wait_args, interval,
		"Time between two looks at the state, 250ms"),
	OPT_BOOL(0, "ignore", struct wait_args, each.ignore,
		 "Print -1 for a container that does not exist"),
	OPT_BOOL('l', "latest", struct wait_args, each.latest, "The newest container"),
	OPT_END,
};

/* A bare number is milliseconds, as with podman. */
static int read_interval(const char *s, int64_t *ret_ns)
{
	uint32_t ms;

	if (parse_u32(s, 86400000, &ms) == 0)
		*ret_ns = ms * 1000000LL;
	else if (parse_duration(s, ret_ns) < 0)
		return err_usage("--interval '%s': write a duration like 250ms or 2s", s);
	return *ret_ns > 0 ? 0 : err_usage("--interval '%s': must be more than nothing", s);
}

static int read_conditions(const struct wait_args *a, unsigned *set)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < a->conditions.n; i++)
		strv_split(&words, a->conditions.v[i], ',');
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = wait_parse(words.v[i], set);
	if (!words.n)
		*set = WAIT_EXITED;
	return r;
}

/* Those that exist, to be waited for; what is not there is said now. */
static size_t find(struct cmd_ctx *ctx, struct store *st, const struct wait_args *a,
		   const struct strv *names, struct waited *v)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		struct container c;
		int r = container_open(st, names->v[i], &c);

		v[n] = (struct waited){.done = r < 0, .code = -1};
		if (r == 0) {
			(void)snprintf(v[n].id, sizeof(v[n].id), "%s", c.rec->id);
			container_done(&c);
		} else if (r == -CE_NO_CONTAINER && a->each.ignore) {
			err_drop();
		} else {
			ctx->status = cmd_report(err_wrap(r, "wait"));
			continue;
		}
		n++;
	}
	return n;
}

static int wait_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct wait_args *a = args;
	const struct each e = {.args = &a->each, .verb = "wait"};
	struct wait_for f = {.first = a->first};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE struct waited *v = NULL;
	struct store *st;
	size_t n;
	int r = read_interval(a->interval, &f.interval_ns);

	if (r == 0)
		r = read_conditions(a, &f.set);
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = each_select(st, &e, argc, argv, &names);
	if (r < 0)
		return r;
	v = xcalloc(names.n, sizeof(*v));
	n = find(ctx, st, a, &names, v);
	r = n ? container_wait(st, &f, v, n) : 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (v[i].done)
			(void)printf("%d\n", v[i].code);
	return r < 0 ? err_wrap(r, "wait") : 0;
}

const struct command cmd_wait = {
	.name = "wait",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Wait for containers to exit and print their codes",
	.opts = wait_opts,
	.args_size = sizeof(struct wait_args),
	.defaults = &wait_defaults,
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = wait_run,
};
