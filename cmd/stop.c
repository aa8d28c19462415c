/* SPDX-License-Identifier: MIT */
/* "cuddy stop" and "cuddy kill": end what runs. What stopping means lives in pkg/container. */
#include "cmd/each.h"
#include "pkg/base/err.h"

struct stop_args {
	struct each_args each;
	const char *signal;
	int64_t time;
};

struct stop_how {
	int signal;
	int64_t grace_s;
};

static const struct stop_args stop_defaults = {.time = -2};

static const struct opt stop_opts[] = {
	OPT_INT('t', "time", "SECONDS", struct stop_args, time, "Time before SIGKILL, -1 for ever",
		.min = -1, .max = 31536000),
	OPT_INT(0, "timeout", "SECONDS", struct stop_args, time, "Time before SIGKILL", .min = -1,
		.max = 31536000, .hidden = true),
	OPT_STR('s', "signal", "SIGNAL", struct stop_args, signal,
		"Signal to ask with, instead of the container's own"),
	OPT_GROUP(each_opts, struct stop_args, each),
	OPT_END,
};

static int stop_one(struct store *st, struct container *c, const void *arg)
{
	const struct stop_how *how = arg;

	(void)st;
	return container_stop(c, how->signal, how->grace_s);
}

static int stop_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct stop_args *a = args;
	struct stop_how how = {.grace_s = a->time};
	const struct each e = {.args = &a->each,
			       .running_only = true,
			       .verb = "stop",
			       .one = stop_one,
			       .arg = &how};
	int r = a->signal ? each_signal(a->signal, &how.signal) : 0;

	if (r < 0)
		return r;
	return each_container(ctx, &e, argc, argv);
}

const struct command cmd_stop = {
	.name = "stop",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Stop running containers",
	.opts = stop_opts,
	.args_size = sizeof(struct stop_args),
	.defaults = &stop_defaults,
	.max_args = -1,
	.complete = COMPLETE_RUNNING,
	.run = stop_run,
};

struct kill_args {
	struct each_args each;
	const char *signal;
};

static const struct kill_args kill_defaults = {.signal = "KILL"};

static const struct opt kill_opts[] = {
	OPT_STR('s', "signal", "SIGNAL", struct kill_args, signal, "Signal to send"),
	OPT_GROUP(each_opts, struct kill_args, each),
	OPT_END,
};

static int kill_one(struct store *st, struct container *c, const void *arg)
{
	(void)st;
	return container_kill(c, *(const int *)arg);
}

static int kill_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct kill_args *a = args;
	int sig;
	const struct each e = {.args = &a->each,
			       .running_only = true,
			       .verb = "kill",
			       .one = kill_one,
			       .arg = &sig};

	int r = each_signal(a->signal, &sig);

	if (r < 0)
		return r;
	return each_container(ctx, &e, argc, argv);
}

const struct command cmd_kill = {
	.name = "kill",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Send a signal to running containers",
	.opts = kill_opts,
	.args_size = sizeof(struct kill_args),
	.defaults = &kill_defaults,
	.max_args = -1,
	.complete = COMPLETE_RUNNING,
	.run = kill_run,
};
