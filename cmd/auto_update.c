/* SPDX-License-Identifier: MIT */
/* "cuddy auto-update": looking, pulling and restarting is pkg/unit's; this file parses and prints. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/show.h"
#include "cmd/transfer_report.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/unit/auto_update.h"

struct update_args {
	const char *authfile, *format;
	bool dry_run;
	int rollback, tls_verify;
};

static const struct update_args defaults = {.rollback = 1, .tls_verify = -1};

static const struct opt opts[] = {
	OPT_STR(0, "authfile", "FILE", struct update_args, authfile,
		"Credentials instead of what the container's label or login named",
		.complete = COMPLETE_FILE),
	OPT_BOOL(0, "dry-run", struct update_args, dry_run,
		 "Show what would be updated and change nothing"),
	OPT_STR(0, "format", "FORMAT", struct update_args, format,
		"Print as json or through a Go template"),
	OPT_TRI(0, "rollback", struct update_args, rollback,
		"Go back to the old image when a unit does not start (true)"),
	OPT_TRI(0, "tls-verify", struct update_args, tls_verify,
		"Ask for HTTPS and check certificates"),
	OPT_END,
};

static int run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {{"UNIT", "Unit"},       {"CONTAINER", "Container"},
						{"IMAGE", "Image"},     {"POLICY", "Policy"},
						{"UPDATED", "Updated"}, {NULL, NULL}};
	const struct update_args *a = args;
	const struct list_options o = show_options(a->format, false, false, "Unit", columns);
	AUTO_JSON struct json_object *rows = NULL;
	AUTO_STRV struct strv errors = STRV_INIT;
	struct transfer_report report;
	struct store *st;
	int r = cmd_store_for_images(ctx, &st);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_PULL, true, NULL);
	r = auto_update(st,
			&(struct auto_update){.dry_run = a->dry_run,
					      .rollback = a->rollback,
					      .authfile = a->authfile,
					      .tls_verify = a->tls_verify,
					      .report = &report.handler},
			&rows, &errors);
	transfer_report_done(&report);
	if (r == 0)
		r = list_print(&o, rows, NULL, stdout);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "cuddy: auto-update: %s\n", errors.v[i]);
	if (errors.n)
		ctx->status = 125;
	return r;
}

const struct command cmd_auto_update = {
	.name = "auto-update",
	.synopsis = "[OPTIONS]",
	.summary = "Restart units whose containers' images have newer versions",
	.opts = opts,
	.args_size = sizeof(struct update_args),
	.defaults = &defaults,
	.run = run,
};
