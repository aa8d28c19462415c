/* SPDX-License-Identifier: MIT */
/* "cuddy start": start containers that were created or have stopped. */
#include <stdio.h>

#include "cmd/each.h"
#include "pkg/base/err.h"

struct start_args {
	struct each_args each;
	bool attach, interactive;
	int sig_proxy;
	const char *detach_keys;
};

static const struct start_args start_defaults = {.sig_proxy = -1};

static const struct opt start_opts[] = {
	OPT_BOOL('a', "attach", struct start_args, attach, "Attach to its output and wait"),
	OPT_BOOL('i', "interactive", struct start_args, interactive, "Attach to its stdin too"),
	OPT_REFUSED(0, "checkpoint", "NAME", "only root of the host can restore processes", NULL),
	OPT_REFUSED(0, "checkpoint-dir", "DIR", "only root of the host can restore processes", NULL),
	OPT_TRI(0, "sig-proxy", struct start_args, sig_proxy, "Forward signals when attached"),
	OPT_STR(0, "detach-keys", "KEYS", struct start_args, detach_keys,
		"Keys that detach from the terminal"),
	OPT_BOOL(0, "all", struct start_args, each.all, "All containers"),
	OPT_LIST('f', "filter", "KEY=VALUE", struct start_args, each.filters,
		 "Containers that match"),
	OPT_BOOL('l', "latest", struct start_args, each.latest, "The newest container"),
	OPT_END,
};

static int start_background(struct store *st, struct container *c, const void *arg)
{
	const struct start_options o = {.foreground = false, .keep = arg};
	int r = container_has_begun(c) ? -CE_BAD_STATE : container_start(st, c, &o, NULL);

	if (r == -CE_BAD_STATE && container_is_running(c)) {
		err_drop(); /* starting what runs is success, as everywhere */
		return 0;
	}
	return r;
}

static int start_attached(struct cmd_ctx *ctx, const struct start_args *a,
			  const struct keep_fds *keep, int argc, char **argv)
{
	const struct each_one one = {.latest = a->each.latest};
	struct start_options o = {.foreground = true,
				  .attach_stdin = a->interactive,
				  .keep = keep,
				  .attach_stdout = true,
				  .attach_stderr = true};
	struct conmon_started m = {.pidfd = -EBADF, .control_fd = -EBADF};
	struct container c;
	struct store *st;
	bool detached = false;
	char keys[32];
	int code = 0, r = 0;

	if (a->detach_keys) {
		r = conmon_detach_keys(a->detach_keys, keys);
		o.detach_keys = keys;
	}
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = each_open(ctx, "start", &one, &argc, &argv, &c);
	if (r < 0)
		return r;
	if (c.state.status == CONMON_RESTARTING) {
		r = err_new(-CE_BAD_STATE,
			    "start %s: it waits to be started again by its restart "
			    "policy",
			    c.rec->name);
	} else if (container_is_running(&c)) {
		const struct conmon_attach ca = {.no_stdin = !a->interactive,
						 .sig_proxy = a->sig_proxy != 0,
						 .begin = c.state.status == CONMON_INITIALIZED,
						 .detach_keys = o.detach_keys,
						 .tty = c.rec->tty};

		r = conmon_attach(c.dirs.runtime_fd, &ca, &code, &detached);
	} else {
		r = container_start(st, &c, &o, &m);
		if (r == 0)
			r = conmon_foreground(&m, c.rec->tty, a->sig_proxy != 0, &code, &detached);
	}
	if (r == 0 && !detached)
		ctx->status = code;
	closep(&m.pidfd);
	closep(&m.control_fd);
	container_done(&c);
	return r;
}

static int start_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct start_args *a = args;
	AUTO(keep_fds_done) struct keep_fds keep = {0};
	const struct each e = {
		.args = &a->each, .verb = "start", .one = start_background, .arg = &keep};
	int r = keep_fds_listen(&keep);

	if (r < 0)
		return r;
	if (!a->attach && !a->interactive)
		return each_container(ctx, &e, argc, argv);
	if (argc + a->each.latest != 1 || a->each.all || a->each.filters.n)
		return err_usage("start: --attach and --interactive go with one container");
	return start_attached(ctx, a, &keep, argc, argv);
}

const struct command cmd_start = {
	.name = "start",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Start containers",
	.opts = start_opts,
	.args_size = sizeof(struct start_args),
	.defaults = &start_defaults,
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = start_run,
};
