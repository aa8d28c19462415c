/* SPDX-License-Identifier: MIT */
/* "cuddy save": where it goes; what is written there is pkg/image's. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/archive_file.h"
#include "cmd/cmd.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/save.h"
#include "pkg/sys/rmtree.h"

struct save_args {
	const char *output, *format, *platform;
	bool quiet, many, uncompressed;
};

static const struct save_args save_defaults = {.format = "docker-archive"};

/* clang-format off */
static const struct opt save_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct save_args, format, "Kind of archive or directory",
		.words = "docker-archive oci-archive oci-dir docker-dir", .complete = COMPLETE_WORDS, .strict = true),
	OPT_BOOL('m', "multi-image-archive", struct save_args, many, "Several images; they may always be several"),
	OPT_STR('o', "output", "FILE", struct save_args, output, "Write to a file or directory instead of standard output",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct save_args, platform, "Of lists the image for that platform; an image must be for it"),
	OPT_BOOL('q', "quiet", struct save_args, quiet, "Do not report progress"),
	OPT_BOOL(0, "uncompressed", struct save_args, uncompressed, "Layers as they are kept may be uncompressed; they may in any case", .hidden = true),
	OPT_END
};
/* clang-format on */

static bool is_empty(int dir)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;

	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && n < 3 && readdir(d))
		n++;
	return d && n == 2;
}

static int save_to_file(struct store *st, const struct save_args *a, const struct strv *names,
			const struct transfer_handler *h)
{
	AUTO(archive_file_drop) struct archive_file f = ARCHIVE_FILE_INIT;
	/* In the caller's rights, before the base namespace is entered. */
	int r = archive_file_open(&f, a->output);

	if (r == 0)
		r = image_save(st, names, a->format, a->platform, f.fd, h);
	return r == 0 ? archive_file_keep(&f) : r;
}

/* What is in the directory is made there; when that fails it is emptied again. */
static void empty(int dir)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    rmtree(dir, e->d_name) < 0)
			err_drop();
}

static int save_to_dir(struct store *st, const struct save_args *a, const struct strv *names,
		       const struct transfer_handler *h)
{
	AUTO_CLOSE int dir = -EBADF;
	bool made;
	int r;

	if (!a->output)
		return err_usage("--format %s writes a directory: --output names it", a->format);
	made = mkdir(a->output, 0777) == 0;
	dir = open(a->output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "directory %s", a->output);
	if (!is_empty(dir))
		return err_new(-ENOTEMPTY, "directory %s", a->output);
	r = image_save(st, names, a->format, a->platform, dir, h);
	if (r < 0) {
		AUTO_FREE char *words = xstrdup(err_trail());

		empty(dir);
		if (made)
			(void)rmdir(a->output);
		return err_set(r, words);
	}
	return 0;
}

static int save_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct save_args *a = args;
	AUTO_STRV struct strv names = STRV_INIT;
	struct transfer_report report;
	struct store *st;
	int r = cmd_store_for_images(ctx, &st);

	if (r < 0)
		return r;
	for (int i = 0; i < argc; i++)
		strv_add(&names, argv[i]);
	transfer_report_init(&report, REPORT_PULL, a->quiet || !a->output, NULL);
	r = strstr(a->format, "-dir") ? save_to_dir(st, a, &names, &report.handler)
				      : save_to_file(st, a, &names, &report.handler);
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
