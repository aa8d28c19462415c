/* SPDX-License-Identifier: MIT */
/* "cuddy healthcheck run": one health check now, which the container's monitor makes and records. */
#include <stdio.h>

#include "cmd/each.h"
#include "pkg/base/err.h"

struct healthcheck_args {
	struct each_one one;
	bool ignore_result;
};

static const struct opt healthcheck_opts[] = {
	OPT_BOOL(0, "ignore-result", struct healthcheck_args, ignore_result,
		 "Exit with 0 also when it is not well"),
	OPT_BOOL('l', "latest", struct healthcheck_args, one.latest, "The newest container"),
	OPT_END,
};

static int check(const struct container *c)
{
	int r;

	if (!c->rec->health.test.n)
		return err_new(-CE_BAD_STATE, "it has no health check");
	if (c->state.status != CONMON_RUNNING)
		return err_new(-CE_BAD_STATE, "it does not run");
	r = conmon_check(c->dirs.runtime_fd);
	return r == -ESRCH ? err_new(-CE_BAD_STATE, "it ended meanwhile") : r;
}

static int healthcheck_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct healthcheck_args *a = args;
	struct container c;
	int r = each_open(ctx, "healthcheck run", &a->one, &argc, &argv, &c);

	if (r < 0)
		return r;
	r = argc ? err_usage("healthcheck run: one container at a time") : check(&c);
	if (r > 0 && !a->ignore_result)
		ctx->status = 1;
	if (r > 0)
		(void)puts("unhealthy");
	if (r < 0 && r != -CE_USAGE)
		r = err_wrap(r, "healthcheck run %s", c.rec->name);
	container_done(&c);
	return r < 0 ? r : 0;
}

const struct command cmd_healthcheck_run = {
	.name = "run",
	.group = "healthcheck",
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Make a health check now",
	.opts = healthcheck_opts,
	.args_size = sizeof(struct healthcheck_args),
	.max_args = -1,
	.complete = COMPLETE_RUNNING,
	.run = healthcheck_run,
};
