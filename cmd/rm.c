/* SPDX-License-Identifier: MIT */
/* "cuddy rm": remove containers. */
#include <stdio.h>

#include "cmd/each.h"
#include "pkg/base/err.h"
#include "pkg/pod/pod.h"

struct rm_args {
	struct each_args each;
	bool force, volumes, depend;
	int64_t time;
};

static const struct rm_args rm_defaults = {.time = 0};

/* "-f" is --force here; --filter has no short form. */
static const struct opt rm_opts[] = {
	OPT_BOOL('f', "force", struct rm_args, force, "Stop running containers first"),
	OPT_BOOL('v', "volumes", struct rm_args, volumes, "Remove their anonymous volumes too"),
	OPT_BOOL(0, "depend", struct rm_args, depend,
		 "Remove what requires them or shares their namespaces too"),
	OPT_INT('t', "time", "SECONDS", struct rm_args, time, "With --force: time before SIGKILL",
		.min = -1, .max = 31536000),
	OPT_BOOL('a', "all", struct rm_args, each.all, "All containers"),
	OPT_LIST(0, "filter", "KEY=VALUE", struct rm_args, each.filters, "Containers that match"),
	OPT_LIST(0, "cidfile", "FILE", struct rm_args, each.cidfiles, "Read the id from a file",
		 .complete = COMPLETE_FILE),
	OPT_BOOL('i', "ignore", struct rm_args, each.ignore,
		 "Succeed when a container does not exist"),
	OPT_BOOL('l', "latest", struct rm_args, each.latest, "The newest container"),
	OPT_END,
};

/* The farthest first: at no moment is something left without what it needs. */
static int remove_dependents(struct store *st, const struct container *c,
			     const struct remove_options *o)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_dependents(st, c->rec->id, &ids);

	for (size_t i = ids.n; r == 0 && i-- > 0;) {
		struct container other;

		r = container_open_id(st, ids.v[i], &other);
		if (r < 0) {
			r = err_forgive(r, -CE_NO_CONTAINER);
			continue;
		}
		r = container_remove(st, &other, o);
		if (r < 0)
			r = err_wrap(r, "%s, which depends on it", other.rec->name);
		else
			(void)puts(other.rec->id);
		container_done(&other);
	}
	return r;
}

static int rm_one(struct store *st, struct container *c, const void *arg)
{
	const struct rm_args *a = arg;
	const struct remove_options o = {
		.force = a->force, .volumes = a->volumes, .grace_s = a->time};
	bool infra = c->rec->is_infra && c->rec->pod;
	int r = 0;

	if (infra && !a->force && !a->depend)
		return err_new(-CE_IN_USE,
			       "it is the infra container of pod %.12s; remove the pod, or use "
			       "--force to do that",
			       c->rec->pod);
	if (a->depend && !infra)
		r = remove_dependents(st, c, &o);
	return r < 0 ? r : pod_remove_container(st, c, &o);
}

static int rm_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct rm_args *a = args;
	struct each_args each = a->each;
	const struct each e = {
		.args = &each, .verb = "rm", .missing_status = 1, .one = rm_one, .arg = a};

	/* As with podman and docker: forcing away what is not there is success. */
	each.ignore = each.ignore || a->force;
	return each_container(ctx, &e, argc, argv);
}

const struct command cmd_rm = {
	.name = "rm",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Remove containers",
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.defaults = &rm_defaults,
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = rm_run,
};
