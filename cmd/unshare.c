/* SPDX-License-Identifier: MIT */
/* "cuddy unshare": a command among the user's subordinate ids. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/runtime/base.h"
#include "storage/store.h"

#define CANNOT_EXECUTE 126
#define NOT_FOUND 127

/* What scripts written for podman look for. */
static void tell_places(const struct store *st)
{
	(void)setenv("CONTAINERS_GRAPHROOT", store_root(st), 1);
	(void)setenv("CONTAINERS_RUNROOT", store_runroot(st), 1);
}

static int unshare_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const char *shell = getenv("SHELL");
	char *own[] = {(char *)(size_t)(shell && *shell ? shell : "/bin/sh"), NULL};
	char **command = argc ? argv : own;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	if (r == 0)
		r = base_enter_own(store_runtime_fd(st));
	if (r < 0)
		return err_wrap(r, "unshare");
	tell_places(st);
	(void)umask(cmd_umask());
	(void)fflush(NULL);
	(void)execvp(command[0], command);
	r = errno;
	ctx->status = r == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
	(void)cmd_report(err_new(-r, "unshare: execute %s", command[0]));
	return 0;
}

const struct command cmd_unshare = {
	.name = "unshare",
	.synopsis = "[COMMAND [ARG...]]",
	.summary = "Run a command among the user's subordinate ids",
	.max_args = -1,
	.no_interspersed = true,
	.run = unshare_run,
};
