/* SPDX-License-Identifier: MIT */
/* "cuddy create": make a container, to be started later. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/create_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/container/container.h"

static const struct container_request create_defaults = CONTAINER_REQUEST_DEFAULTS;

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct container_request q = *(const struct container_request *)args;
	struct transfer_report report;
	struct container c;
	struct store *st;
	int r = cmd_store_for_images(ctx, &st);

	(void)argc;
	q.image = argv[0];
	q.cgroup_manager = ctx->cgroup_manager;
	q.command = argv + 1;
	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_PULL, q.quiet, NULL);
	q.report = &report.handler;
	r = container_create(st, &q, &c);
	transfer_report_done(&report);
	if (r < 0)
		return r;
	(void)puts(c.rec->id);
	container_done(&c);
	return 0;
}

const struct command cmd_create = {
	.name = "create",
	.synopsis = "[OPTIONS] IMAGE|DIR [COMMAND [ARG...]]",
	.summary = "Create a container without starting it",
	.opts = create_opts,
	.args_size = sizeof(struct container_request),
	.defaults = &create_defaults,
	.min_args = 1,
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_IMAGE,
	.run = create_run,
};
