/* SPDX-License-Identifier: MIT */
/* "cuddy export": a container's root file system as a tar archive. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/archive_file.h"
#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/container/view.h"

struct export_args {
	const char *output;
};

static const struct opt export_opts[] = {
	OPT_STR('o', "output", "FILE", struct export_args, output,
		"Write to a file instead of standard output", .complete = COMPLETE_FILE),
	OPT_END,
};

static int export_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct export_args *a = args;
	AUTO(archive_file_drop) struct archive_file f = ARCHIVE_FILE_INIT;
	struct container c;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = container_open(st, argv[0], &c);
	if (r < 0)
		return err_wrap(r, "export");
	/* In the caller's rights, before the base namespace is entered. */
	r = archive_file_open(&f, a->output);
	if (r == 0)
		r = container_export(st, &c, f.fd);
	if (r == 0)
		r = archive_file_keep(&f);
	container_done(&c);
	return r < 0 ? err_wrap(r, "export %s", argv[0]) : 0;
}

const struct command cmd_export = {
	.name = "export",
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Write a container's root file system as a tar archive",
	.opts = export_opts,
	.args_size = sizeof(struct export_args),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_CONTAINER,
	.run = export_run,
};
