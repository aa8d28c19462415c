/* SPDX-License-Identifier: MIT */
/* "cuddy load" and "cuddy import": open what the user named, hand it over, print what came of it. */
#include <stdio.h>
#include <string.h>

#include "cmd/archive_file.h"
#include "cmd/cmd.h"
#include "cmd/transfer_report.h"
#include "pkg/base/err.h"
#include "pkg/image/load.h"
#include "pkg/oci/manifest.h"

struct load_args {
	const char *input;
	struct transfer_load how;
	bool quiet;
};

static const struct opt load_opts[] = {
	OPT_STR('i', "input", "FILE", struct load_args, input,
		"Read from a file, a directory or a URL instead of stdin",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct load_args, how.platform,
		"Load the image for another platform"),
	OPT_BOOL('q', "quiet", struct load_args, quiet, "Do not report progress"),
	OPT_STR(0, "signature-policy", "FILE", struct load_args, how.policy,
		"Policy to use instead of the usual policy.json", .complete = COMPLETE_FILE,
		.hidden = true),
	OPT_END,
};

static void print_loaded(const char *reference, const char *id)
{
	(void)printf("Loaded image: %s%s\n",
		     reference ? "" : "sha256:", reference ? reference : id);
}

static int load_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct load_args *a = args;
	struct transfer_report report;
	AUTO_CLOSE int fd = -EBADF;
	struct store *st;
	int r;

	(void)argc;
	(void)argv;
	fd = archive_input_fetch(a->input);
	if (fd < 0)
		return err_wrap(fd, "load");
	r = cmd_store_for_images(ctx, &st);
	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_READ, a->quiet, print_loaded);
	r = image_load_told(st, fd, &a->how, &report.handler);
	transfer_report_done(&report);
	return r < 0 ? err_wrap(r, "load%s%s", a->input ? " " : "", a->input ? a->input : "") : 0;
}

const struct command cmd_load = {
	.name = "load",
	.synopsis = "[OPTIONS]",
	.summary = "Load images from an archive",
	.opts = load_opts,
	.args_size = sizeof(struct load_args),
	.run = load_run,
};

/* --- import ------------------------------------------------------------------------------------ */

struct import_args {
	struct strv changes;
	const char *message, *platform, *os, *arch, *variant;
	bool quiet;
};

static const struct opt import_opts[] = {
	OPT_STR(0, "arch", "ARCH", struct import_args, arch,
		"Say what architecture the image is for"),
	OPT_LIST('c', "change", "INSTRUCTION", struct import_args, changes,
		 "Apply a Containerfile instruction to the image's configuration"),
	OPT_STR('m', "message", "TEXT", struct import_args, message,
		"Set the comment in the image's history"),
	OPT_STR(0, "os", "OS", struct import_args, os, "Say what system the image is for"),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct import_args, platform,
		"Say what platform the image is for"),
	OPT_BOOL('q', "quiet", struct import_args, quiet, "Do not report progress"),
	OPT_STR(0, "variant", "VARIANT", struct import_args, variant,
		"Say what variant of the architecture the image is for"),
	OPT_END,
};

static void print_id(const char *reference, const char *id)
{
	(void)reference;
	(void)printf("sha256:%s\n", id);
}

static int import_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct import_args *a = args;
	struct transfer_report report;
	struct import_options o = {.changes = &a->changes, .message = a->message};
	AUTO_FREE char *platform = NULL;
	AUTO_CLOSE int fd = -EBADF;
	struct store *st;
	int r;

	r = platform_choice(a->platform, a->os, a->arch, a->variant, &platform);
	if (r < 0)
		return r;
	o.platform = platform;
	fd = archive_input_fetch(argv[0]);
	if (fd < 0)
		return err_wrap(fd, "import");
	r = cmd_store_for_images(ctx, &st);
	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_READ, a->quiet, print_id);
	r = image_import(st, fd, argc > 1 ? argv[1] : NULL, &o, &report.handler);
	transfer_report_done(&report);
	return r < 0 ? err_wrap(r, "import %s", argv[0]) : 0;
}

const struct command cmd_import = {
	.name = "import",
	.synopsis = "[OPTIONS] FILE|URL|- [REFERENCE]",
	.summary = "Make an image of a root file system archive",
	.opts = import_opts,
	.args_size = sizeof(struct import_args),
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_FILE,
	.run = import_run,
};
