/* SPDX-License-Identifier: MIT */
/* "cuddy unshare": a command among the user's subordinate ids. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "net/keeper.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
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

struct unshare_args {
	bool networks;
};

static const struct opt unshare_opts[] = {
	OPT_BOOL(
		0, "rootless-netns", struct unshare_args, networks,
		"In the network namespace of the user's bridges, too; a container on one must run"),
	OPT_END,
};

/* Among the ids already, as only they may enter it. */
static int enter_networks(struct store *st)
{
	AUTO_FREE char *dir = path_join(store_runroot(st), "net");
	AUTO_CLOSE int ns = keeper_netns(dir);

	if (ns == -ENOENT)
		return err_new(-CE_NO_NETWORK,
			       "--rootless-netns: there are no bridges while no "
			       "container runs on a network of its user; start one");
	if (ns < 0)
		return ns;
	return setns(ns, CLONE_NEWNET) < 0 ? err_new(-errno, "enter the bridges' namespace") : 0;
}

static int unshare_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct unshare_args *a = args;
	const char *shell = getenv("SHELL");
	char *own[] = {(char *)(size_t)(shell && *shell ? shell : "/bin/sh"), NULL};
	char **command = argc ? argv : own;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = base_enter_own(store_runtime_fd(st));
	if (r == 0 && a->networks)
		r = enter_networks(st);
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
	.synopsis = "[OPTIONS] [COMMAND [ARG...]]",
	.summary = "Run a command among the user's subordinate ids",
	.opts = unshare_opts,
	.args_size = sizeof(struct unshare_args),
	.max_args = -1,
	.no_interspersed = true,
	.run = unshare_run,
};
