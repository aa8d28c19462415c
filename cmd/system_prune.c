/* SPDX-License-Identifier: MIT */
/* "cuddy system prune": remove all that is not in use. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/pruned.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/build/cache.h"
#include "pkg/cli/filter.h"
#include "pkg/container/networks.h"
#include "pkg/container/volumes.h"
#include "pkg/image/remove.h"
#include "pkg/pod/pod.h"

struct prune_args {
	bool all, force, volumes, build, external;
	struct strv filters;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('a', "all", struct prune_args, all,
		 "All images that no container uses, not only those without a name; with --volumes "
		 "those with a name, too"),
	OPT_BOOL(0, "build", struct prune_args, build,
		 "What builds keep for the next one, too, as far as no image has it; with --all "
		 "that goes in any case"),
	OPT_BOOL(0, "external", struct prune_args, external,
		 "Also what other engines left in the store: there is never any"),
	OPT_LIST(0, "filter", "KEY=VALUE", struct prune_args, filters,
		 "Only what matches: label, until"),
	OPT_BOOL('f', "force", struct prune_args, force, "Do not ask"),
	OPT_BOOL(0, "volumes", struct prune_args, volumes, "Volumes that no container uses, too"),
	OPT_END,
};

static int filters_check(const struct prune_args *a)
{
	for (size_t i = 0; i < a->filters.n; i++) {
		const char *f = a->filters.v[i];

		if (a->volumes && strncmp(f, "until", 5) == 0)
			return err_usage("system prune: --filter until does not go with --volumes: "
					 "a volume's age says nothing of its use");
		if (strncmp(f, "until=", 6) != 0 && strncmp(f, "label=", 6) != 0 &&
		    strncmp(f, "label!=", 7) != 0)
			return err_usage("system prune: --filter '%s': use label=, label!= or "
					 "until=",
					 f);
	}
	return 0;
}

static bool confirmed(const struct prune_args *a)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	sbuf_addf(&b,
		  "This removes all stopped containers and pods, all networks that no container is "
		  "in, %s%s%s.",
		  a->all ? "all images that no container uses"
			 : "all images without a name that no container uses",
		  a->all || a->build ? ", what builds keep for the next one" : "",
		  !a->volumes ? ""
		  : a->all    ? ", and all volumes that no container uses with all that is in them"
			      : ", and all volumes without a name that no container uses");
	return cmd_confirmed(b.s);
}

static int prune_images(struct cmd_ctx *ctx, struct store *st, const struct prune_args *a)
{
	struct pruned told = {.ctx = ctx, .heading = "Deleted Images"};
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_prune(st, a->all, &a->filters, &ids);

	for (size_t i = 0; i < ids.n; i++)
		cmd_pruned(ids.v[i], 0, &told);
	return r;
}

static int prune_volumes(struct cmd_ctx *ctx, struct store *st, const struct prune_args *a)
{
	struct pruned told = {.ctx = ctx, .heading = "Deleted Volumes"};
	AUTO_STRV struct strv names = STRV_INIT;
	int r = volume_unused(st, a->all, &a->filters, &names);

	if (r == 0)
		volume_prune(st, &names, cmd_pruned, &told);
	return r;
}

static int prune_networks(struct cmd_ctx *ctx, struct store *st, const struct prune_args *a)
{
	struct pruned told = {.ctx = ctx, .heading = "Deleted Networks"};
	AUTO_STRV struct strv names = STRV_INIT;
	int r = network_unused(st, &a->filters, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		int one = network_drop(st, names.v[i]);

		/* Somebody was faster, or began to use it. */
		if (one == -CE_NO_NETWORK || one == -CE_IN_USE)
			err_drop();
		else
			cmd_pruned(names.v[i], one, &told);
	}
	return r;
}

/* Labels say nothing of it. */
static int prune_cache(struct store *st, const struct prune_args *a)
{
	struct cache_pruned gone = {0};
	struct cache_limits l = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->filters.n; i++) {
		if (strncmp(a->filters.v[i], "until=", 6) != 0)
			return 0;
		r = filter_time(a->filters.v[i] + 6, &l.only.before_ns);
	}
	if (r == 0)
		r = cache_prune(st, &l, &gone);
	if (r == 0 && (gone.records || gone.mounts))
		(void)printf("Deleted Build Cache\nResults: %u\nCaches: %u\n", gone.records,
			     gone.mounts);
	return r;
}

static int prune_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct prune_args *a = args;
	struct pruned told = {.ctx = ctx, .heading = "Deleted Containers"};
	struct pruned pods = {.ctx = ctx, .heading = "Deleted Pods"};
	char text[SIZE_TEXT_MAX];
	uint64_t bytes = 0;
	struct store *st;
	int r = filters_check(a);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r < 0 || (!a->force && !confirmed(a)))
		return r;
	if (!a->filters.n) /* these are of containers and images */
		r = pod_prune(st, cmd_pruned, &pods);
	if (r == 0)
		r = container_prune(st, &a->filters, cmd_pruned, &told);
	if (r == 0)
		r = prune_networks(ctx, st, a);
	if (r == 0 && a->volumes)
		r = prune_volumes(ctx, st, a);
	if (r == 0)
		r = prune_images(ctx, st, a);
	if (r == 0 && (a->all || a->build))
		r = prune_cache(st, a);
	if (r == 0)
		r = prune_reclaim(st, &bytes);
	if (r < 0)
		return err_wrap(r, "system prune");
	size_format_word(bytes, text);
	(void)printf("Total reclaimed space: %s\n", text);
	return 0;
}

const struct command cmd_system_prune = {
	.name = "prune",
	.group = "system",
	.synopsis = "[OPTIONS]",
	.summary = "Remove all that is not in use",
	.opts = prune_opts,
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
