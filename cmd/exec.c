/* SPDX-License-Identifier: MIT */
/* "cuddy exec": run a command in a running container. */
#include "cmd/each.h"
#include "pkg/base/err.h"
#include "pkg/config/containers_conf.h"

struct exec_args {
	struct exec_request request;
	unsigned preserve_fds;
	bool no_session;
	struct strv preserve_fd;
	struct each_one one;
};

#define E struct exec_request

static const struct opt request_opts[] = {
	OPT_BOOL('d', "detach", E, detach, "Run in the background"),
	OPT_BOOL('i', "interactive", E, interactive, "Keep stdin open"),
	OPT_BOOL('t', "tty", E, tty, "Give the command a terminal of its own"),
	OPT_BOOL(0, "privileged", E, privileged, "All capabilities, no seccomp filter"),
	OPT_LIST('e', "env", "NAME[=VALUE]", E, env,
		 "Set an environment variable, or pass ours on"),
	OPT_LIST(0, "env-file", "FILE", E, env_file, "Read environment variables from a file",
		 .complete = COMPLETE_FILE, .commas = true),
	OPT_STR('u', "user", "USER[:GROUP]", E, user, "User name or id to run as"),
	OPT_STR('w', "workdir", "DIR", E, workdir, "Working directory in the container"),
	OPT_STR(0, "detach-keys", "KEYS", E, detach_keys, "Keys that leave the command to itself"),
	OPT_END,
};

static const struct opt exec_opts[] = {
	OPT_GROUP(request_opts, struct exec_args, request),
	OPT_UINT(0, "preserve-fds", "N", struct exec_args, preserve_fds,
		 "Pass on N more descriptors, from 3", .max = RT_KEEP_MAX),
	OPT_LIST(0, "preserve-fd", "N[,N...]", struct exec_args, preserve_fd,
		 "Pass on these descriptors"),
	OPT_BOOL(0, "no-session", struct exec_args, no_session,
		 "Keep no record of the command: never done"),
	OPT_BOOL('l', "latest", struct exec_args, one.latest, "In the newest container"),
	OPT_STR(0, "cidfile", "FILE", struct exec_args, one.cidfile,
		"Read the container's id from a file", .complete = COMPLETE_FILE),
	OPT_END,
};

static int exec_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct exec_args *a = args;
	struct exec_request e = a->request;
	const struct containers_conf *conf;
	struct container c;
	int code = 0, r = keep_fds_named(a->preserve_fds, &a->preserve_fd, &e.keep);

	ctx->in_a_hurry = true;
	/* Without a terminal there are no keys, and no file is read for them. */
	if (r == 0 && e.tty && !e.detach_keys) {
		r = containers_conf(&conf);
		if (r == 0 && conf->detach_keys && *conf->detach_keys)
			e.detach_keys = conf->detach_keys;
	}
	if (r == 0)
		r = each_open(ctx, "exec", &a->one, &argc, &argv, &c);
	if (r < 0) {
		keep_fds_done(&e.keep);
		return r;
	}
	e.command = argv;
	e.store = ctx->store;
	r = argc ? container_exec(&c, &e, &code)
		 : err_usage("which command? write it after the options and the name");
	if (r < 0)
		r = err_wrap(r, "exec %s", c.rec->name);
	else
		ctx->status = code;
	container_done(&c);
	keep_fds_done(&e.keep);
	return r;
}

const struct command cmd_exec = {
	.name = "exec",
	.synopsis = "[OPTIONS] CONTAINER COMMAND [ARG...]",
	.summary = "Run a command in a running container",
	.opts = exec_opts,
	.args_size = sizeof(struct exec_args),
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_RUNNING,
	.run = exec_run,
};
