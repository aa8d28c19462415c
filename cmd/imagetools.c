/* SPDX-License-Identifier: MIT */
/* "cuddy buildx imagetools …": lists of images at registries, made of what is there, without a pull. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/registry_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/image/manifest_list.h"
#include "pkg/json/json.h"
#include "pkg/sys/random.h"

/* --- inspect ----------------------------------------------------------------------------------- */

struct inspect_args {
	struct registry_args registry;
	const char *format;
	bool raw;
};

static const struct inspect_args inspect_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

static const struct opt inspect_opts[] = {
	OPT_MOOT(0, "builder", "NAME", "Of one builder: all are the same"),
	OPT_STR(0, "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL(0, "raw", struct inspect_args, raw, "Print the manifest to the last byte"),
	OPT_GROUP(registry_opts, struct inspect_args, registry),
	OPT_END,
};

static const char *str(struct json_object *o, const char *key)
{
	const char *s = NULL;

	if (!o || json_get_str(o, key, &s) < 0)
		err_drop();
	return s ? s : "";
}

static void print_entry(const char *name, struct json_object *e)
{
	struct json_object *platform = NULL;

	if (json_get_obj(e, "platform", &platform) < 0)
		err_drop();
	(void)printf("  Name:        ");
	put_untrusted(stdout, name);
	(void)printf("@");
	put_untrusted(stdout, str(e, "digest"));
	(void)printf("\n  MediaType:   ");
	put_untrusted(stdout, str(e, "mediaType"));
	if (platform) {
		(void)printf("\n  Platform:    ");
		put_untrusted(stdout, str(platform, "os"));
		(void)putchar('/');
		put_untrusted(stdout, str(platform, "architecture"));
		if (*str(platform, "variant"))
			(void)putchar('/');
		put_untrusted(stdout, str(platform, "variant"));
	}
	(void)printf("\n\n");
}

static int print_text(const char *typed, const struct list_remote *m, struct json_object *manifest)
{
	struct json_object *entries = NULL;
	int r = json_get_arr(manifest, "manifests", &entries);

	if (r < 0)
		return r;
	(void)printf("Name:      ");
	put_untrusted(stdout, typed);
	(void)printf("\nMediaType: ");
	put_untrusted(stdout, m->media_type);
	(void)printf("\nDigest:    %s\n\n", m->digest);
	if (entries)
		(void)printf("Manifests:\n");
	for (size_t i = 0; entries && i < json_object_array_length(entries); i++)
		print_entry(m->name, json_object_array_get_idx(entries, i));
	return 0;
}

/* What buildx calls Manifest: the descriptor, and what is in the list. */
static struct json_object *describe(const char *typed, const struct list_remote *m,
				    struct json_object *manifest)
{
	struct json_object *o = json_object_new_object(), *d = json_object_new_object(), *config = NULL;

	json_object_object_foreach(manifest, key, value)
	{
		json_set(d, key, json_object_get(value));
	}
	json_set_str(d, "mediaType", m->media_type);
	json_set_str(d, "digest", m->digest);
	json_set_i64(d, "size", (int64_t)m->raw.len);
	json_set_str(o, "Name", typed);
	json_set(o, "Manifest", d);
	if (m->config.len && json_parse(m->config.s, m->config.len, &config) < 0)
		err_drop();
	json_set(o, "Image", config ? config : json_object_new_object());
	return o;
}

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO(list_remote_done) struct list_remote m = LIST_REMOTE_INIT;
	AUTO_JSON struct json_object *manifest = NULL, *o = NULL;
	struct transfer_access access;
	int r = registry_access_of(&a->registry, &access);

	(void)ctx;
	(void)argc;
	if (r == 0)
		r = list_remote(argv[0], &access, &m);
	if (r == 0)
		r = json_parse(m.raw.s, m.raw.len, &manifest);
	if (r < 0)
		return err_wrap(r, "buildx imagetools inspect");
	if (a->raw) {
		(void)fwrite(m.raw.s, 1, m.raw.len, stdout);
		return 0;
	}
	if (!a->format)
		return print_text(argv[0], &m, manifest);
	o = describe(argv[0], &m, manifest);
	return value_print(o, a->format, stdout);
}

const struct command cmd_imagetools_inspect = {
	.name = "imagetools inspect",
	.group = "buildx",
	.synopsis = "[OPTIONS] NAME",
	.summary = "Show what a registry has under a name",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.defaults = &inspect_defaults,
	.min_args = 1,
	.max_args = 1,
	.run = inspect_run,
};

/* --- create ------------------------------------------------------------------------------------ */

struct create_args {
	struct registry_args registry;
	struct strv tags, annotations;
	bool append, dry;
};

static const struct create_args create_defaults = {.registry = REGISTRY_ARGS_DEFAULTS};

/* clang-format off */
static const struct opt create_opts[] = {
	OPT_LIST(0, "annotation", "[index:]KEY=VALUE", struct create_args, annotations, "Annotate the list"),
	OPT_BOOL(0, "append", struct create_args, append, "Keep what the first name has already"),
	OPT_MOOT(0, "builder", "NAME", "Of one builder: all are the same"),
	OPT_BOOL(0, "dry-run", struct create_args, dry, "Print the list, and send nothing"),
	OPT_REFUSED('f', "file", "FILE", "name the images", NULL),
	OPT_REFUSED(0, "metadata-file", "FILE", "inspect tells the digest", NULL),
	OPT_REFUSED('p', "platform", "PLATFORM", "name the images by their digests", NULL),
	OPT_REFUSED(0, "prefer-index", "BOOL", "the result is always a list", "true 1"),
	OPT_MOOT(0, "progress", "TYPE", "Nothing is shown while it is sent"),
	OPT_LIST('t', "tag", "NAME", struct create_args, tags, "What it is called, at its registry"),
	OPT_GROUP(registry_opts, struct create_args, registry),
	OPT_END
};
/* clang-format on */

static int annotations_of(const struct create_args *a, struct strv *ret)
{
	for (size_t i = 0; i < a->annotations.n; i++) {
		const char *s = a->annotations.v[i], *eq = strchr(s, '='), *colon = strchr(s, ':');

		if (eq && colon && colon < eq && strncmp(s, "index:", 6) != 0)
			return err_usage("--annotation '%s': only of the index: its entries stay as "
					 "they are",
					 s);
		strv_add(ret, strncmp(s, "index:", 6) == 0 ? s + 6 : s);
	}
	return 0;
}

/* One list alone stays what it is, with its digest. */
static int make_list(struct store *st, const char *name, const struct create_args *a,
		     const struct transfer_access *access, int argc, char **argv)
{
	AUTO_STRV struct strv annotations = STRV_INIT, sources = STRV_INIT;
	struct list_source s = {.all = true, .access = *access};
	char id[65];
	int r = annotations_of(a, &annotations);

	if (r == 0 && a->append)
		strv_add(&sources, a->tags.v[0]);
	for (int i = 0; i < argc; i++)
		strv_add(&sources, argv[i]);
	if (r == 0 && sources.n == 1 && !annotations.n) {
		s.image = sources.v[0];
		r = list_copy(st, name, &s, id);
		if (r <= 0)
			return r;
		r = 0;
	}
	if (r == 0)
		r = list_create(st, name, false, &annotations, id);
	for (size_t i = 0; r == 0 && i < sources.n; i++) {
		AUTO_FREE char *remote = xasprintf("docker://%s", sources.v[i]);

		s.image = remote;
		r = list_add(st, name, &s, id);
	}
	return r;
}

static int send_list(struct store *st, const char *name, const struct create_args *a,
		     const struct transfer_access *access)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->tags.n; i++) {
		struct list_push_options o = {.all = true, .access = *access};
		struct transfer_report report;

		transfer_report_init(&report, REPORT_PULL, true, NULL);
		o.report = &report.handler;
		r = list_push(st, name, a->tags.v[i], &o);
		transfer_report_done(&report);
	}
	return r;
}

static int show_list(struct store *st, const char *name)
{
	AUTO(list_record_done) struct list_record rec = {0};
	int r = list_find(st, name, &rec);

	return r < 0 ? r : json_print(rec.index, stdout);
}

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct create_args *a = args;
	AUTO(list_record_done) struct list_record gone = {0};
	AUTO_FREE char *name = NULL, *words = NULL;
	struct transfer_access access;
	struct store *st;
	char made_up[17];
	int r = registry_access_of(&a->registry, &access);

	if (r == 0 && !a->tags.n && !a->dry)
		r = err_usage("--tag says where it goes");
	if (r == 0 && a->append && !a->tags.n)
		r = err_usage("--append goes with --tag");
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r < 0)
		return err_wrap(r, "buildx imagetools create");
	random_hex(made_up, 16);
	name = xasprintf("localhost/imagetools-%s:1", made_up);
	r = make_list(st, name, a, &access, argc, argv);
	if (r == 0)
		r = a->dry ? show_list(st, name) : send_list(st, name, a, &access);
	words = r < 0 ? xstrdup(err_trail()) : NULL;
	if (list_remove(st, name, &gone) < 0)
		err_drop();
	return r < 0 ? err_wrap(err_set(r, words), "buildx imagetools create") : 0;
}

const struct command cmd_imagetools_create = {
	.name = "imagetools create",
	.group = "buildx",
	.synopsis = "[OPTIONS] SOURCE [SOURCE...]",
	.summary = "Make a list at a registry of images that are at registries",
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.defaults = &create_defaults,
	.min_args = 1,
	.max_args = -1,
	.run = create_run,
};
