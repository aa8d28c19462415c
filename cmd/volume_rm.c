/* SPDX-License-Identifier: MIT */
/* "cuddy volume rm" and "cuddy volume prune". */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/pruned.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/container.h"
#include "pkg/container/prune.h"
#include "pkg/container/volumes.h"
#include "pkg/pod/pod.h"

struct rm_args {
	bool force, all;
	int64_t time;
};

static const struct rm_args rm_defaults = {.time = -2};

static const struct opt rm_opts[] = {
	OPT_BOOL('f', "force", struct rm_args, force,
		 "Remove the containers that use it too; succeed when it does not exist"),
	OPT_BOOL('a', "all", struct rm_args, all, "All volumes"),
	OPT_INT('t', "time", "SECONDS", struct rm_args, time,
		"With --force: time between the stop signal and SIGKILL", .min = -1,
		.max = 31536000),
	OPT_END,
};

static int remove_users(struct store *st, const char *volume, int64_t grace_s)
{
	AUTO_STRV struct strv users = STRV_INIT;
	int r = volume_users(st, volume, &users);

	return r < 0 ? r : pod_remove_users(st, &users, grace_s);
}

static void rm_one(struct store *st, const struct rm_args *a, const char *name, int *status)
{
	AUTO_FREE char *full = NULL;
	int r = volume_resolve(st, name, &full);

	if (r == 0 && a->force)
		r = remove_users(st, full, a->time);
	if (r == 0)
		r = volume_drop(st, full);
	if (r == 0) {
		(void)puts(full);
		return;
	}
	if (r == -CE_NO_VOLUME && (a->force || a->all)) {
		err_drop();
		return;
	}
	cmd_report_removal(status, err_wrap(r, "volume rm %s", name), -CE_NO_VOLUME);
}

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0 && a->all == (argc > 0))
		r = err_usage("volume rm: name volumes or use --all, one of both");
	if (r == 0 && a->time != rm_defaults.time && !a->force)
		r = err_usage("volume rm: --time goes with --force");
	if (r == 0 && a->all)
		r = volume_list(st, &names);
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		rm_one(st, a, names.v[i], &ctx->status);
	return r;
}

const struct command cmd_volume_rm = {
	.name = "rm",
	.group = "volume",
	.synopsis = "[OPTIONS] VOLUME [VOLUME...]",
	.summary = "Remove volumes",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.defaults = &rm_defaults,
	.max_args = -1,
	.complete = COMPLETE_VOLUME,
	.run = rm_run,
};

struct prune_args {
	bool all, force, dry_run;
	struct strv filters;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('a', "all", struct prune_args, all,
		 "All volumes that no container uses, not only anonymous ones"),
	OPT_BOOL(0, "dry-run", struct prune_args, dry_run, "Only print what would be removed"),
	OPT_LIST(0, "filter", "KEY=VALUE", struct prune_args, filters, "Only volumes that match"),
	OPT_BOOL('f', "force", struct prune_args, force, "Do not ask"),
	OPT_END,
};

static bool confirmed(const struct strv *names)
{
	AUTO_FREE char *list = strv_join(names, " ");
	AUTO_FREE char *what = xasprintf("This removes volumes and all that is in them: %s.", list);

	return cmd_confirmed(what);
}

/* podman: without a word about them only anonymous ones go. "all" is a filter of prune alone. */
static int choose(const struct prune_args *a, bool *all, struct strv *filters)
{
	*all = a->all;
	for (size_t i = 0; i < a->filters.n; i++) {
		const char *f = a->filters.v[i];
		bool flag = false;

		if (strncmp(f, "all=", 4) == 0) {
			if (parse_bool(f + 4, &flag) < 0)
				return err_usage("--filter '%s': say true or false", f);
			*all |= flag;
			continue;
		}
		*all |= strncmp(f, "anonymous=", 10) == 0;
		strv_add(filters, f);
	}
	return 0;
}

static int prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct prune_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT, filters = STRV_INIT;
	struct store *st;
	bool all;
	int r = choose(a, &all, &filters);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r == 0)
		r = volume_unused(st, all, &filters, &names);
	if (r < 0 || names.n == 0 || (!a->force && !a->dry_run && !confirmed(&names)))
		return r;
	for (size_t i = 0; a->dry_run && i < names.n; i++)
		(void)puts(names.v[i]);
	if (!a->dry_run)
		volume_prune(st, &names, cmd_pruned, &(struct pruned){.ctx = ctx});
	return 0;
}

const struct command cmd_volume_prune = {
	.name = "prune",
	.group = "volume",
	.synopsis = "[OPTIONS]",
	.summary = "Remove volumes that no container uses",
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
