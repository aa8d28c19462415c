/* SPDX-License-Identifier: MIT */
/* "cuddy system check": is what the store holds whole, and make it so. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/check.h"

struct check_args {
	bool repair, quick, force;
	int64_t max_age_ns;
};

static const struct check_args defaults = {.max_age_ns = 24 * 3600 * NS_PER_S};

static const struct opt check_opts[] = {
	OPT_BOOL('f', "force", struct check_args, force,
		 "Repair, and remove images and containers that cannot be repaired"),
	OPT_DURATION('m', "max", "DURATION", struct check_args, max_age_ns,
		     "How old layers may be that nothing needs (default 24h)"),
	OPT_BOOL('q', "quick", struct check_args, quick, "Do not read the files of layers"),
	OPT_BOOL('r', "repair", struct check_args, repair, "Repair what can be repaired"),
	OPT_END,
};

static void print_finding(const struct finding *f, bool repair)
{
	AUTO_FREE char *text = finding_text(f);
	AUTO_FREE char *line = !repair ? xasprintf("%s: %s", text, f->what)
				       : xasprintf("%s: %s; %s: %s", text, f->what,
						   f->mended ? "repaired" : "not repaired",
						   f->how ? f->how : "nothing is known to help");

	put_untrusted(stdout, line);
	(void)putchar('\n');
}

static int check_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct check_args *a = args;
	const struct check_options o = {.quick = a->quick,
					.repair = a->repair || a->force,
					.force = a->force,
					.unused_age_s = a->max_age_ns / NS_PER_S};
	AUTO(findings_done) struct findings found = {0};
	struct store *st;
	size_t left = 0;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = store_check_all(st, &o, &found);
	for (size_t i = 0; i < found.n; i++) {
		print_finding(&found.v[i], o.repair);
		left += !found.v[i].mended;
	}
	if (r < 0)
		return err_wrap(r, "system check");
	if (left == 0)
		return 0;
	return err_new(-CE_CORRUPT, "system check: %zu of the store's objects%s", left,
		       o.repair ? " could not be repaired" : "; see --repair");
}

const struct command cmd_system_check = {
	.name = "check",
	.group = "system",
	.synopsis = "[OPTIONS]",
	.summary = "Verify all that is in the store, and repair it",
	.opts = check_opts,
	.args_size = sizeof(struct check_args),
	.defaults = &defaults,
	.run = check_run,
};
