/* SPDX-License-Identifier: MIT */
/* "cuddy create": make a container, to be started later. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/create_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/container/container.h"
#include "pkg/container/defaults.h"
#include "pkg/pod/pod.h"

struct create_args {
	struct container_request request;
	struct registry_args registry;
};

static const struct opt create_verb_opts[] = {
	OPT_STR(0, "init-ctr", "WHEN", struct create_args, request.init_ctr,
		"Run it before the other containers of its pod: at each start, or once",
		.complete = COMPLETE_WORDS, .words = "once always", .strict = true),
	OPT_GROUP(create_opts, struct create_args, request),
	OPT_GROUP(registry_opts, struct create_args, registry),
	OPT_ROWS(refused_opts),
	OPT_END,
};

static const struct create_args create_defaults = {.request = CONTAINER_REQUEST_DEFAULTS,
						   .registry = REGISTRY_ARGS_DEFAULTS};

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	AUTO(pod_joined_done) struct pod_joined pod = {.made = false};
	AUTO(request_defaults_done) struct request_defaults defaults = {0};
	struct container_request q = a->request;
	struct transfer_report report;
	struct container c;
	struct store *st;
	int r = registry_access_of(&a->registry, &q.access);

	request_globals(ctx, argv, &q);
	if (r == 0)
		r = cmd_store_for_images(ctx, &st);
	(void)argc;
	if (r == 0)
		r = pod_join(st, &q, &pod);
	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_PULL, q.quiet, NULL);
	q.report = &report.handler;
	r = request_defaults_apply(&defaults, &q);
	if (r == 0)
		r = container_create(st, &q, &c);
	transfer_report_done(&report);
	r = pod_join_end(st, &pod, &c, r);
	if (r < 0)
		return r;
	cmd_say_shared(ctx, c.rec);
	(void)puts(c.rec->id);
	container_done(&c);
	return 0;
}

const struct command cmd_create = {
	.name = "create",
	.synopsis = "[OPTIONS] IMAGE|DIR [COMMAND [ARG...]]",
	.summary = "Create a container without starting it",
	.opts = create_verb_opts,
	.args_size = sizeof(struct create_args),
	.defaults = &create_defaults,
	.min_args = 1,
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_IMAGE,
	.run = create_run,
};
