/* SPDX-License-Identifier: MIT */
/* "cuddy container clone": a new container with the settings of another. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/create_opts.h"
#include "cmd/limit_opts.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"

struct clone_args {
	const char *name;
	bool destroy, force, run;
	struct limit_request limits;
};

static const struct clone_args clone_defaults = {.limits = LIMIT_REQUEST_DEFAULTS};

static const struct opt clone_opts[] = {
	OPT_BOOL(0, "destroy", struct clone_args, destroy, "Remove the original afterwards"),
	OPT_BOOL('f', "force", struct clone_args, force,
		 "With --destroy: also when the original runs"),
	OPT_STR(0, "name", "NAME", struct clone_args, name,
		"Name of the new container; without one the original's with -clone"),
	OPT_BOOL(0, "run", struct clone_args, run, "Start the new container"),
	OPT_GROUP(limit_opts, struct clone_args, limits),
	OPT_ROWS(refused_opts),
	OPT_END,
};

static int check(const struct clone_args *a, const struct container *c, int argc)
{
	if (a->force && !a->destroy)
		return err_usage("--force goes with --destroy");
	if (a->name && argc > 1)
		return err_usage("the name is given twice");
	if (a->destroy && !a->force && container_is_running(c))
		return err_new(-CE_BAD_STATE,
			       "--destroy: it runs; --force removes it all the same");
	return 0;
}

static int clone_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct remove_options gone = {.force = true, .volumes = true, .grace_s = -2};
	const struct start_options start = {0};
	const struct clone_args *a = args;
	const struct clone_options o = {.name = argc > 1 ? argv[1] : a->name,
					.image = argc > 2 ? argv[2] : NULL,
					.limits = limits_given(&a->limits) ? &a->limits : NULL};
	struct container c, new;
	struct store *st;
	int r = cmd_store_for_images(ctx, &st);

	if (r == 0)
		r = container_open(st, argv[0], &c);
	if (r < 0)
		return err_wrap(r, "container clone");
	r = check(a, &c, argc);
	if (r == 0)
		r = container_clone(st, &c, &o, &new);
	if (r == 0) {
		(void)puts(new.rec->id);
		if (a->destroy)
			r = container_remove(st, &c, &gone);
		if (r == 0 && a->run)
			r = container_start(st, &new, &start, NULL);
		container_done(&new);
	}
	container_done(&c);
	return r < 0 ? err_wrap(r, "container clone %s", argv[0]) : 0;
}

const struct command cmd_container_clone = {
	.name = "clone",
	.group = "container",
	.synopsis = "[OPTIONS] CONTAINER [NAME [IMAGE]]",
	.summary = "Make a container with the settings of another",
	.opts = clone_opts,
	.args_size = sizeof(struct clone_args),
	.defaults = &clone_defaults,
	.min_args = 1,
	.max_args = 3,
	.complete = COMPLETE_CONTAINER,
	.run = clone_run,
};
