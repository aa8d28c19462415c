/* SPDX-License-Identifier: MIT */
/* "cuddy restart": stop what runs, and start it. What has stopped is started. */
#include "cmd/each.h"
#include "pkg/base/err.h"

struct restart_args {
	struct each_args each;
	bool running;
	const char *signal;
	int64_t time;
};

struct restart_how {
	int signal;
	int64_t grace_s;
};

static const struct restart_args restart_defaults = {.time = -2};

static const struct opt restart_opts[] = {
	OPT_BOOL('a', "all", struct restart_args, each.all,
		 "All containers, also those that do not run"),
	OPT_BOOL(0, "running", struct restart_args, running, "All running containers"),
	OPT_LIST('f', "filter", "KEY=VALUE", struct restart_args, each.filters,
		 "Containers that match"),
	OPT_LIST(0, "cidfile", "FILE", struct restart_args, each.cidfiles,
		 "Read the id from a file", .complete = COMPLETE_FILE),
	OPT_BOOL('l', "latest", struct restart_args, each.latest, "The newest container"),
	OPT_STR('s', "signal", "SIGNAL", struct restart_args, signal,
		"Signal to stop with, instead of the container's own"),
	OPT_INT('t', "time", "SECONDS", struct restart_args, time,
		"Time before SIGKILL, -1 for ever", .min = -1, .max = 31536000),
	OPT_INT(0, "timeout", "SECONDS", struct restart_args, time, "Time before SIGKILL",
		.min = -1, .max = 31536000, .hidden = true),
	OPT_END,
};

static int restart_one(struct store *st, struct container *c, const void *arg)
{
	const struct restart_how *how = arg;

	return container_restart(st, c, how->signal, how->grace_s);
}

static int restart_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct restart_args *a = args;
	struct each_args each = a->each;
	struct restart_how how = {.grace_s = a->time};
	const struct each e = {.args = &each,
			       .running_only = a->running,
			       .verb = "restart",
			       .one = restart_one,
			       .arg = &how};
	int r = a->signal ? each_signal(a->signal, &how.signal) : 0;

	if (r < 0)
		return r;
	if (a->running && (argc || each.latest || each.cidfiles.n))
		return err_usage("restart: --running chooses the containers; leave out names, "
				 "--latest and --cidfile");
	/* Which of all is running_only's to say. */
	each.all = each.all || a->running;
	return each_container(ctx, &e, argc, argv);
}

const struct command cmd_restart = {
	.name = "restart",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Stop and start containers",
	.opts = restart_opts,
	.args_size = sizeof(struct restart_args),
	.defaults = &restart_defaults,
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = restart_run,
};
