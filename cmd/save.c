/* SPDX-License-Identifier: MIT */
/* "cuddy save": where it goes; what is written there is pkg/image's. */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/image_file.h"
#include "cmd/transfer_report.h"
#include "pkg/base/err.h"

struct save_args {
	const char *output, *format, *platform;
	bool quiet, many, compress, uncompressed;
};

static const struct save_args save_defaults = {.format = "docker-archive"};

/* clang-format off */
static const struct opt save_opts[] = {
	OPT_BOOL(0, "compress", struct save_args, compress, "With docker-dir: compress all layers"),
	OPT_STR(0, "format", "FORMAT", struct save_args, format, "Kind of archive or directory",
		.words = "docker-archive oci-archive oci-dir docker-dir", .complete = COMPLETE_WORDS, .strict = true),
	OPT_BOOL('m', "multi-image-archive", struct save_args, many, "Several images; they may always be several"),
	OPT_STR('o', "output", "FILE", struct save_args, output, "Write to a file or directory instead of standard output",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct save_args, platform, "Of lists the image for that platform; an image must be for it"),
	OPT_BOOL('q', "quiet", struct save_args, quiet, "Do not report progress"),
	OPT_BOOL(0, "uncompressed", struct save_args, uncompressed, "With oci-archive and oci-dir: do not compress layers that are not kept compressed"),
	OPT_END
};
/* clang-format on */

static int options_of(const struct save_args *a, struct save_options *ret)
{
	bool oci = strncmp(a->format, "oci", 3) == 0, dir = strcmp(a->format, "docker-dir") == 0;

	if (a->compress && !dir)
		return err_usage("--compress goes with --format docker-dir only");
	if (a->uncompressed && !oci)
		return err_usage("--uncompressed goes with --format oci-archive and oci-dir only");
	*ret = (struct save_options){.kind = a->format,
				     .form.compression = a->compress ? "gzip" : NULL,
				     .plain = a->uncompressed || (dir && !a->compress),
				     .platform = a->platform,
				     .told = "save"};
	return 0;
}

static int save_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct save_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT;
	struct transfer_report report;
	struct save_options o = {0};
	struct store *st;
	int r = options_of(a, &o);

	if (r == 0)
		r = cmd_store_for_images(ctx, &st);
	if (r < 0)
		return err_wrap(r, "save");
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	transfer_report_init(&report, REPORT_PULL, a->quiet || !a->output, NULL);
	r = image_to_output(st, &names, &o, a->output, &report.handler);
	transfer_report_done(&report);
	return r < 0 ? err_wrap(r, "save") : 0;
}

const struct command cmd_save = {
	.name = "save",
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Write images to an archive",
	.opts = save_opts,
	.args_size = sizeof(struct save_args),
	.defaults = &save_defaults,
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_IMAGE,
	.run = save_run,
};
