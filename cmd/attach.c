/* SPDX-License-Identifier: MIT */
/* "cuddy attach": be at the terminal or the streams of a running container. */
#include "cmd/each.h"
#include "pkg/base/err.h"
#include "pkg/container/events.h"

struct attach_args {
	struct each_one one;
	const char *detach_keys;
	bool no_stdin;
	int sig_proxy;
};

static const struct attach_args attach_defaults = {.sig_proxy = -1};

static const struct opt attach_opts[] = {
	OPT_STR(0, "detach-keys", "KEYS", struct attach_args, detach_keys,
		"Keys that detach from the terminal"),
	OPT_BOOL('l', "latest", struct attach_args, one.latest, "The newest container"),
	OPT_BOOL(0, "no-stdin", struct attach_args, no_stdin, "Do not attach to stdin"),
	OPT_TRI(0, "sig-proxy", struct attach_args, sig_proxy, "Forward signals to the container"),
	OPT_END,
};

static int attach_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct attach_args *a = args;
	char keys[32];
	struct conmon_attach ca = {.no_stdin = a->no_stdin, .sig_proxy = a->sig_proxy != 0};
	struct container c;
	bool detached = false;
	int code = 0, r = 0;

	if (a->detach_keys) {
		r = conmon_detach_keys(a->detach_keys, keys);
		ca.detach_keys = keys;
	}
	if (r == 0 && argc > !a->one.latest)
		r = err_usage("attach: --latest stands for the name");
	if (r == 0)
		r = each_open(ctx, "attach", &a->one, &argc, &argv, &c);
	if (r < 0)
		return r;
	ca.tty = c.rec->tty;
	if (c.state.status == CONMON_RESTARTING) {
		r = err_new(-CE_BAD_STATE, "attach %s: it waits to be started again", c.rec->name);
	} else if (!container_is_running(&c)) {
		r = err_new(-CE_BAD_STATE, "attach %s: it does not run", c.rec->name);
	} else {
		container_event(ctx->store, c.rec, "attach", NULL);
		r = conmon_attach(c.dirs.runtime_fd, &ca, &code, &detached);
	}
	container_done(&c);
	if (r == 0 && !detached)
		ctx->status = code;
	return r;
}

const struct command cmd_attach = {
	.name = "attach",
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Attach to a running container",
	.opts = attach_opts,
	.args_size = sizeof(struct attach_args),
	.defaults = &attach_defaults,
	.max_args = 1,
	.complete = COMPLETE_RUNNING,
	.run = attach_run,
};
