/* SPDX-License-Identifier: MIT */
/* "cuddy exec": run a command in a running container. */
#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"

#define E struct exec_request

static const struct opt exec_opts[] = {
	OPT_BOOL('d', "detach", E, detach, "Run in the background"),
	OPT_BOOL('i', "interactive", E, interactive, "Keep stdin open"),
	OPT_BOOL('t', "tty", E, tty, "Give the command a terminal of its own"),
	OPT_BOOL(0, "privileged", E, privileged, "All capabilities, no seccomp filter"),
	OPT_LIST('e', "env", "NAME[=VALUE]", E, env,
		 "Set an environment variable, or pass ours on"),
	OPT_LIST(0, "env-file", "FILE", E, env_file, "Read environment variables from a file",
		 .complete = COMPLETE_FILE),
	OPT_STR('u', "user", "USER[:GROUP]", E, user, "User name or id to run as"),
	OPT_STR('w', "workdir", "DIR", E, workdir, "Working directory in the container"),
	OPT_STR(0, "detach-keys", "KEYS", E, detach_keys, "Keys that detach from the terminal"),
	OPT_UINT(0, "preserve-fds", "N", E, preserve_fds, "Pass on N more descriptors, from 3",
		 .max = 1024),
	OPT_END,
};

static int exec_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct exec_request e = *(const struct exec_request *)args;
	struct container c;
	struct store *st;
	int code = 0, r = cmd_store(ctx, &st);

	(void)argc;
	ctx->in_a_hurry = true;
	e.command = argv + 1;
	if (r == 0)
		r = container_open(st, argv[0], &c);
	if (r < 0)
		return err_wrap(r, "exec");
	r = container_exec(&c, &e, &code);
	container_done(&c);
	if (r < 0)
		return err_wrap(r, "exec %s", argv[0]);
	ctx->status = code;
	return 0;
}

const struct command cmd_exec = {
	.name = "exec",
	.synopsis = "[OPTIONS] CONTAINER COMMAND [ARG...]",
	.summary = "Run a command in a running container",
	.opts = exec_opts,
	.args_size = sizeof(struct exec_request),
	.min_args = 2,
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_RUNNING,
	.run = exec_run,
};
