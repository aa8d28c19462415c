/* SPDX-License-Identifier: MIT */
/* "cuddy network rm" and "cuddy network prune". */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/pruned.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/networks.h"
#include "pkg/pod/pod.h"

struct rm_args {
	bool force;
	int64_t time;
};

static const struct rm_args rm_defaults = {.time = -2};

static const struct opt rm_opts[] = {
	OPT_BOOL('f', "force", struct rm_args, force,
		 "Remove the containers that are in it too; succeed when it does not exist"),
	OPT_INT('t', "time", "SECONDS", struct rm_args, time,
		"With --force: time between the stop signal and SIGKILL", .min = -1,
		.max = 31536000),
	OPT_END,
};

static int remove_users(struct store *st, const char *network, int64_t grace_s)
{
	AUTO_STRV struct strv users = STRV_INIT;
	int r = network_users(st, network, &users);

	return r < 0 ? r : pod_remove_users(st, &users, grace_s);
}

static void rm_one(struct store *st, const struct rm_args *a, const char *name, int *status)
{
	AUTO_FREE char *full = NULL;
	int r = network_resolve(st, name, &full);

	if (r == 0 && a->force && strcmp(full, NETWORK_DEFAULT) != 0)
		r = remove_users(st, full, a->time);
	if (r == 0)
		r = network_drop(st, full);
	if (r == 0) {
		(void)puts(full);
		return;
	}
	if (r == -CE_NO_NETWORK && a->force) {
		err_drop();
		return;
	}
	cmd_report_removal(status, err_wrap(r, "network rm %s", name), -CE_NO_NETWORK);
}

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && a->time != rm_defaults.time && !a->force)
		r = err_usage("network rm: --time goes with --force");
	for (int i = 0; r == 0 && i < argc; i++)
		rm_one(st, a, argv[i], &ctx->status);
	return r;
}

const struct command cmd_network_rm = {
	.name = "rm",
	.group = "network",
	.synopsis = "[OPTIONS] NETWORK [NETWORK...]",
	.summary = "Remove networks",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.defaults = &rm_defaults,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_NETWORK,
	.run = rm_run,
};

struct prune_args {
	bool force;
	struct strv filters;
};

static const struct opt prune_opts[] = {
	OPT_LIST(0, "filter", "KEY=VALUE", struct prune_args, filters, "Only networks that match"),
	OPT_BOOL('f', "force", struct prune_args, force, "Do not ask"),
	OPT_END,
};

static bool confirmed(const struct strv *names)
{
	AUTO_FREE char *list = strv_join(names, " ");
	AUTO_FREE char *what = xasprintf("This removes networks that no container is in: %s.",
					 list);

	return cmd_confirmed(what);
}

static int prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct prune_args *a = args;
	struct pruned p = {.ctx = ctx};
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = network_unused(st, &a->filters, &names);
	if (r < 0 || names.n == 0 || (!a->force && !confirmed(&names)))
		return r;
	for (size_t i = 0; i < names.n; i++) {
		r = network_drop(st, names.v[i]);
		/* Somebody was faster, or began to use it. */
		if (r == -CE_NO_NETWORK || r == -CE_IN_USE)
			err_drop();
		else
			cmd_pruned(names.v[i], r, &p);
	}
	return 0;
}

const struct command cmd_network_prune = {
	.name = "prune",
	.group = "network",
	.synopsis = "[OPTIONS]",
	.summary = "Remove networks that no container is in",
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
