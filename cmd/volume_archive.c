/* SPDX-License-Identifier: MIT */
/* "cuddy volume export" and "cuddy volume import". */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/archive_file.h"
#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/volumes.h"
#include "pkg/image/transfer_client.h"

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
	AUTO_FREE char *path = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = volume_where(st, argv[0], &path); /* before the file is touched */
	if (r == 0)
		r = archive_file_open(&f, a->output);
	if (r == 0)
		r = volume_export(st, argv[0], f.fd);
	if (r == 0)
		r = archive_file_keep(&f);
	return r < 0 ? err_wrap(r, "volume export %s", argv[0]) : 0;
}

const struct command cmd_volume_export = {
	.name = "export",
	.group = "volume",
	.synopsis = "[OPTIONS] VOLUME",
	.summary = "Write a volume's content as a tar archive",
	.opts = export_opts,
	.args_size = sizeof(struct export_args),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VOLUME,
	.run = export_run,
};

static void print_message(void *data, bool warning, const char *text)
{
	(void)data;
	(void)fputs(warning ? "Warning: " : "", stderr);
	put_untrusted(stderr, text);
	(void)fputc('\n', stderr);
}

static int import_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct transfer_handler h = {.message = print_message};
	AUTO_CLOSE int fd = -EBADF;
	struct store *st;
	int r;

	(void)args;
	(void)argc;
	fd = archive_input_open(argv[1]);
	r = fd < 0 ? fd : cmd_store(ctx, &st);
	if (r == 0)
		r = volume_import(st, argv[0], fd, &h);
	return r < 0 ? err_wrap(r, "volume import %s", argv[0]) : 0;
}

const struct command cmd_volume_import = {
	.name = "import",
	.group = "volume",
	.synopsis = "VOLUME FILE|-",
	.summary = "Extract a tar archive into a volume",
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_VOLUME,
	.run = import_run,
};
