/* SPDX-License-Identifier: MIT */
/* "cuddy push": sending is pkg/image's; this file parses, and writes down the digest. */
#include <fcntl.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/compress_opts.h"
#include "cmd/image_file.h"
#include "cmd/registry_opts.h"
#include "cmd/sign_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/push.h"
#include "pkg/image/transfer_client.h"

struct push_args {
	struct registry_args registry;
	bool compress;
	const char *platform;
	bool quiet, remove_signatures, all_tags;
	struct sign_args sign;
	const char *digestfile, *format;
	struct compress_args compression;
};

static const struct push_args push_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

/* clang-format off */
static const struct opt all_tags_opts[] = {
	OPT_ROWS(encrypt_opts),
	OPT_BOOL('a', "all-tags", struct push_args, all_tags, "Send every tag that the repository has here"),
	OPT_BOOL(0, "compress", struct push_args, compress, "Compress all layers that go into a dir: directory"),
	OPT_STR(0, "platform", "OS/ARCH[/VARIANT]", struct push_args, platform, "Of a list send the image for this platform only"),
	OPT_END
};
static const struct opt push_opts[] = {
	OPT_GROUP(registry_opts, struct push_args, registry),
	OPT_GROUP(compress_opts, struct push_args, compression),
	OPT_STR(0, "digestfile", "FILE", struct push_args, digestfile, "Write the digest of what was pushed to a file",
		.complete = COMPLETE_FILE),
	OPT_STR('f', "format", "FORMAT", struct push_args, format, "Kind of manifest, instead of the image's own",
		.words = "oci v2s2 docker", .complete = COMPLETE_WORDS, .strict = true),
	OPT_BOOL('q', "quiet", struct push_args, quiet, "Do not report progress"),
	OPT_BOOL(0, "remove-signatures", struct push_args, remove_signatures, "Send no signatures; there never are any"),
	OPT_GROUP(sign_opts, struct push_args, sign),
	OPT_END
};
/* clang-format on */

static char pushed[160];

static void take_digest(const char *reference, const char *id)
{
	(void)reference;
	(void)snprintf(pushed, sizeof(pushed), "%s", id);
}

/* Where it goes: to a registry (@typed may be NULL: where its name says), or into a file or a directory. */
struct destination {
	const char *typed;
	bool place;
};

static struct destination destination_of(int argc, char **argv)
{
	const char *typed = argc > 1 ? argv[1] : NULL;

	return (struct destination){typed, typed && transport_is_place(typed)};
}

/* @as_is: nothing is compressed for a registry. @add: see compress_form_to_registry(). */
static int options_of(const struct push_args *a, const struct destination *to, bool as_is,
		      const char **add, struct push_options *ret)
{
	int r;

	if (a->digestfile && to->place &&
	    (strncmp(to->typed, "docker-archive:", 15) == 0 ||
	     strncmp(to->typed, "containers-storage:", 19) == 0))
		return err_usage("--digestfile: there is no manifest in %s", to->typed);
	if (a->format)
		ret->form.format = strcmp(a->format, "oci") == 0 ? "oci" : "docker";
	r = to->place || as_is ? compress_form_of(&a->compression, &ret->form)
			       : compress_form_to_registry(&a->compression, &ret->form, add);
	if (r < 0)
		return r;
	ret->platform = a->platform;
	r = sign_options_of(&a->sign, to->typed, &ret->sign);
	return r < 0 ? r : registry_access_of(&a->registry, &ret->access);
}

/* Not aside and renamed: the user may name a pipe, or /dev/stdout. */
int cmd_write_digest(const char *file, const char *digest)
{
	AUTO_CLOSE int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	int r = fd < 0 ? -errno : write_full(fd, digest, strlen(digest));

	return r < 0 ? err_new(r, "--digestfile %s", file) : 0;
}

static int push_one(struct store *st, const char *name, const char *to, struct push_options *o,
		    bool quiet)
{
	struct transfer_report report;
	int r;

	transfer_report_init(&report, REPORT_PULL, quiet, take_digest);
	o->report = &report.handler;
	r = image_push(st, name, to, o);
	transfer_report_done(&report);
	return r < 0 ? err_wrap(r, "push %s", name) : 0;
}

/* All tags to where they are called after; stops at the first that fails. */
static int push_tags(struct store *st, const char *name, struct push_options *o, bool quiet)
{
	AUTO_STRV struct strv tags = STRV_INIT;
	struct transfer_report report;
	int r = image_tags_in(st, name, &tags);

	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_PULL, quiet, NULL);
	o->report = &report.handler;
	r = image_push_names(st, &tags, o);
	transfer_report_done(&report);
	return r;
}

/* Into a file or a directory. */
static int push_place(struct store *st, const char *name, const char *place,
		      const struct push_args *a, struct push_options *o)
{
	struct transfer_report report;
	int r;

	transfer_report_init(&report, REPORT_PULL, a->quiet, take_digest);
	o->report = &report.handler;
	r = image_to_place(st, name, place, o, a->compress);
	transfer_report_done(&report);
	return r < 0 ? err_wrap(r, "push %s", name) : 0;
}

static int push_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct push_args *a = args;
	const struct destination to = destination_of(argc, argv);
	struct push_options o = {0};
	struct store *st;
	int r = options_of(a, &to, false, NULL, &o);

	if (r == 0 && a->compress && !to.place)
		r = err_usage("--compress is for dir: destinations; --compression-format says "
			      "how layers are sent to a registry");
	if (r == 0 && a->all_tags && (to.typed || a->digestfile))
		r = err_usage("push: --all-tags goes not with a destination or --digestfile");
	if (r == 0) {
		if (!to.place)
			transfer_expect();
		r = cmd_store_for_images(ctx, &st);
	}
	if (r < 0)
		return r;
	if (to.place)
		r = push_place(st, argv[0], to.typed, a, &o);
	else if (a->all_tags)
		r = push_tags(st, argv[0], &o, a->quiet);
	else
		r = push_one(st, argv[0], to.typed, &o, a->quiet);
	if (r < 0)
		return r;
	return a->digestfile ? cmd_write_digest(a->digestfile, pushed) : 0;
}

/* --- of a manifest list ------------------------------------------------------------------------ */

struct push_list_args {
	struct push_args push;
	int all;
	bool rm, insecure;
	const char *add_compression;
};

static const struct push_list_args push_list_defaults = {.push.registry = REGISTRY_ARGS_DEFAULTS,
							 .all = -1};

/* clang-format off */
static const struct opt push_list_opts[] = {
	OPT_GROUP(push_opts, struct push_list_args, push),
	OPT_STR(0, "add-compression", "FORMAT", struct push_list_args, add_compression, "Send each image once more, compressed so",
		.words = "zstd", .complete = COMPLETE_WORDS, .strict = true),
	OPT_TRI(0, "all", struct push_list_args, all, "Send the images, not only the list"),
	OPT_BOOL(0, "insecure", struct push_list_args, insecure, "The same as --tls-verify=false", .hidden = true),
	OPT_BOOL('p', "purge", struct push_list_args, rm, "The same as --rm", .hidden = true),
	OPT_BOOL(0, "rm", struct push_list_args, rm, "Remove the list when it is pushed"),
	OPT_END
};
/* clang-format on */

/* @base: for a place, which takes a list as it takes an image. */
static int list_options_of(const struct push_list_args *a, const struct destination *to,
			   struct list_push_options *o, struct push_options *base)
{
	int r;

	*o = (struct list_push_options){.all = a->all != 0, .add_compression = a->add_compression};
	if (to->place && (!o->all || o->add_compression))
		return err_usage("--all=false and --add-compression are for registries");
	r = options_of(&a->push, to, !o->all, &o->add_compression, base);
	if (r < 0)
		return r;
	o->form = base->form;
	o->sign = base->sign;
	o->access = base->access;
	if (a->insecure)
		o->access.tls_verify = 0;
	if (!o->all && (a->add_compression || o->form.format || o->form.compression))
		return err_usage("another form of images that are not sent (--all=false)");
	return 0;
}

static int push_list(struct store *st, const char *name, const struct destination *to, bool quiet,
		     struct list_push_options *o, struct push_options *base)
{
	struct transfer_report report;
	int r;

	transfer_report_init(&report, REPORT_PULL, quiet, take_digest);
	o->report = base->report = &report.handler;
	r = to->place ? image_to_place(st, name, to->typed, base, false)
		      : list_push(st, name, to->typed, o);
	transfer_report_done(&report);
	return r;
}

static int push_list_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct push_list_args *a = args;
	const struct destination to = destination_of(argc, argv);
	AUTO(list_record_done) struct list_record gone = {0};
	struct push_options base = {0};
	struct list_push_options o;
	struct store *st;
	int r = list_options_of(a, &to, &o, &base);

	if (r == 0)
		r = cmd_store_for_images(ctx, &st);
	if (r == 0)
		r = push_list(st, argv[0], &to, a->push.quiet, &o, &base);
	if (r == 0)
		(void)puts(pushed);
	if (r == 0 && a->push.digestfile)
		r = cmd_write_digest(a->push.digestfile, pushed);
	if (r == 0 && a->rm)
		r = list_remove(st, argv[0], &gone);
	return r < 0 ? err_wrap(r, "manifest push %s", argv[0]) : 0;
}

const struct command cmd_manifest_push = {
	.name = "push",
	.group = "manifest",
	.synopsis = "[OPTIONS] LIST [DESTINATION]",
	.summary =
		"Send a list and its images to a registry, or write them to oci: or oci-archive:",
	.opts = push_list_opts,
	.args_size = sizeof(struct push_list_args),
	.defaults = &push_list_defaults,
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_IMAGE,
	.run = push_list_run,
};

/* clang-format off */
static const struct opt image_push_opts[] = {
	OPT_ROWS(push_opts),
	OPT_ROWS(all_tags_opts),
	OPT_END
};
/* clang-format on */

const struct command cmd_push = {
	.name = "push",
	.synopsis = "[OPTIONS] IMAGE [DESTINATION]",
	.summary = "Send an image to a registry, or write it to TRANSPORT:PATH",
	.opts = image_push_opts,
	.args_size = sizeof(struct push_args),
	.defaults = &push_defaults,
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_IMAGE,
	.run = push_run,
};
