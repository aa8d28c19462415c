/* SPDX-License-Identifier: MIT */
/* --output and --push: where else than into the store the result of a build goes. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/build.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/build/cache_place.h"
#include "pkg/image/push.h"
#include "pkg/image/save.h"

static const struct {
	const char *name;
	enum output_kind kind;
	bool push;
} kinds[] = {
	{"image", OUTPUT_IMAGE, false}, {"registry", OUTPUT_IMAGE, true},
	{"local", OUTPUT_LOCAL, false}, {"tar", OUTPUT_TAR, false},
	{"oci", OUTPUT_OCI, false},     {"docker", OUTPUT_DOCKER, false},
};

static int take_type(struct build_output *o, const char *v)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, v) == 0) {
			o->kind = kinds[i].kind;
			o->push |= kinds[i].push;
			return 0;
		}
	}
	return err_usage("type=%s: use local, tar, oci, docker, image or registry", v);
}

/* "annotation.KEY", "annotation-index.KEY", "annotation-manifest-descriptor[linux/arm64].KEY": as buildx has them. */
static int take_annotation(struct build_output *o, const char *rest, const char *value)
{
	const char *dot = strchr(rest, '.'), *type = *rest == '-' ? rest + 1 : rest;

	if (!dot || !dot[1] || (rest[0] != '.' && rest[0] != '-' && rest[0] != '['))
		return err_usage("'annotation%s' is not annotation.KEY", rest);
	strv_addf(&o->annotations, "%s%.*s:%s=%s", *rest == '-' ? "" : "manifest",
		  (int)(dot - type), type, dot + 1, value);
	return 0;
}

static int take_bool(const char *word, const char *value, bool *ret)
{
	return parse_bool(value, ret) < 0 ? err_usage("%s: true or false", word) : 0;
}

static int take_tri(const char *word, const char *value, int *ret)
{
	bool on = false;
	int r = take_bool(word, value, &on);

	if (r == 0)
		*ret = on;
	return r;
}

static int take_word(struct build_output *o, const char *word)
{
	const char *eq = strchr(word, '=');
	AUTO_FREE char *name = xstrndup(word, eq ? (size_t)(eq - word) : strlen(word));
	char **field = NULL;

	if (!eq)
		return err_usage("'%s' is not KEY=VALUE", word);
	if (strcmp(name, "type") == 0)
		return take_type(o, eq + 1);
	if (strcmp(name, "push") == 0)
		return take_bool(word, eq + 1, &o->push);
	if (strcmp(name, "rewrite-timestamp") == 0)
		return take_tri(word, eq + 1, &o->rewrite);
	if (strcmp(name, "oci-mediatypes") == 0)
		return take_tri(word, eq + 1, &o->oci);
	if (strcmp(name, "force-compression") == 0)
		return take_bool(word, eq + 1, &o->compression.force);
	if (strcmp(name, "compression-level") == 0)
		return parse_u32(eq + 1, 22, &o->compression.level) < 0 ? err_usage("%s: 1 to 22", word) : 0;
	if (strcmp(name, "dest") == 0)
		field = &o->dest;
	else if (strcmp(name, "name") == 0)
		field = &o->name;
	else if (strcmp(name, "compression") == 0)
		field = &o->compression_name;
	else if (strncmp(name, "annotation", 10) == 0)
		return take_annotation(o, name + 10, eq + 1);
	else
		return err_usage("unknown key '%s': type, dest, name, push, compression, compression-level, "
				 "force-compression, oci-mediatypes, rewrite-timestamp, annotation.KEY",
				 name);
	free(*field);
	*field = xstrdup(eq + 1);
	return 0;
}

static int parse(const char *spec, struct build_output *o)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	if (!strchr(spec, '=')) { /* as docker has it: a directory, or all as tar */
		o->kind = strcmp(spec, "-") == 0 ? OUTPUT_TAR : OUTPUT_LOCAL;
		o->dest = xstrdup(spec);
		return *spec ? 0 : err_usage("nothing is named");
	}
	strv_split(&words, spec, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = take_word(o, words.v[i]);
	if (r == 0 && o->kind == OUTPUT_LOCAL && (!o->dest || !*o->dest))
		r = err_usage("type=local needs dest=DIRECTORY");
	if (r == 0 && o->kind == OUTPUT_DOCKER && !o->dest)
		o->kind = OUTPUT_IMAGE; /* "load it into the engine" */
	if (r == 0 && o->kind != OUTPUT_IMAGE && o->push)
		r = err_usage("push= goes with type=image");
	return r;
}

static int open_one(struct build_output *o, struct build_options *b)
{
	int r;

	switch (o->kind) {
	case OUTPUT_IMAGE:
		if (o->name)
			strv_split(&b->tags, o->name, ',');
		return 0;
	case OUTPUT_LOCAL:
		if (b->tree_dir >= 0)
			return err_usage("one directory");
		if (mkdir(o->dest, 0777) < 0 && errno != EEXIST)
			return err_new(-errno, "%s", o->dest);
		o->dir = open(o->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		b->tree_dir = o->dir;
		return o->dir < 0 ? err_new(-errno, "%s", o->dest) : 0;
	default:
		if (o->kind == OUTPUT_TAR && b->tree_tar >= 0)
			return err_usage("one tar of files");
		r = archive_file_open(&o->file, o->dest);
		if (r == 0 && o->kind == OUTPUT_TAR)
			b->tree_tar = o->file.fd;
		return r;
	}
}

/* What an output says of compression counts there, else what the command line says. */
static const struct compress_args *compression_of(const struct build_args *a, const struct build_output *o)
{
	return o->compression.format ? &o->compression : &a->compression;
}

static int check_form(const struct build_args *a, struct build_output *o, struct build_options *b)
{
	struct transfer_form form = {.format = NULL};
	bool compresses = o->push || o->kind == OUTPUT_OCI || (o->kind == OUTPUT_IMAGE && a->push);

	o->compression.format = o->compression_name;
	if ((o->compression.format || o->compression.level) && !compresses)
		return err_usage("compression: nothing is compressed; it goes with type=oci and what is sent");
	if (o->oci >= 0 && o->kind != OUTPUT_IMAGE && o->kind != OUTPUT_OCI)
		return err_usage("oci-mediatypes goes with type=image");
	if (o->oci == 0 && o->kind == OUTPUT_OCI)
		return err_usage("oci-mediatypes=false: an OCI archive has OCI's media types");
	if (o->oci >= 0 && a->format && b->docker != (o->oci == 0))
		return err_usage("oci-mediatypes and --format say the opposite");
	if (o->oci >= 0 && o->kind == OUTPUT_IMAGE)
		b->docker = o->oci == 0;
	return compress_form_of(&o->compression, &form);
}

static int set_push_form(const struct build_args *a, const struct build_options *b, struct build_outputs *outs)
{
	const struct compress_args *use = &a->compression;
	bool compresses = a->push, pushes = a->push;

	for (unsigned i = 0; i < outs->n; i++) {
		const struct build_output *o = &outs->v[i];

		pushes |= o->push;
		compresses |= pushes || o->kind == OUTPUT_OCI;
		if (o->push || (a->push && o->kind == OUTPUT_IMAGE))
			use = compression_of(a, o);
	}
	if (a->compression.format && !compresses)
		return err_usage("--compression-format: nothing is compressed; it goes with --push and --output type=oci");
	outs->push_form.format = b->docker ? "docker" : "oci";
	return pushes ? compress_form_to_registry(use, &outs->push_form, NULL) : compress_form_of(use, &outs->push_form);
}

int build_outputs_open(const struct build_args *a, struct build_options *b,
		       struct build_outputs *ret)
{
	bool image = !a->outputs.n || a->tags.n || a->load || a->push;
	int r = 0;

	b->tree_dir = b->tree_tar = b->tag_digests = b->materials = b->sboms = -EBADF;
	for (size_t i = 0; r == 0 && i < a->outputs.n; i++) {
		struct build_output *o;

		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		o = &ret->v[ret->n++];
		*o = (struct build_output){.rewrite = -1, .oci = -1, .file = ARCHIVE_FILE_INIT, .dir = -EBADF};
		r = parse(a->outputs.v[i], o);
		if (r == 0)
			r = check_form(a, o, b);
		if (r == 0 && o->rewrite >= 0)
			r = build_rewrite_check("rewrite-timestamp", o->rewrite, b);
		for (size_t k = 0; r == 0 && k < o->annotations.n; k++)
			r = annotations_add(&b->annotations, o->annotations.v[k]);
		if (r == 0)
			r = open_one(o, b);
		image |= o->kind != OUTPUT_LOCAL && o->kind != OUTPUT_TAR;
		if (r < 0)
			r = err_wrap(r, "--output %s", a->outputs.v[i]);
	}
	b->no_image = !image;
	if (r == 0)
		r = set_push_form(a, b, ret);
	if (r == 0 && a->push && !b->tags.n)
		r = err_usage("--push needs a name to push to: --tag");
	return r;
}

static char pushed[80];

void build_note_pushed(const char *reference, const char *digest)
{
	(void)reference;
	(void)snprintf(pushed, sizeof(pushed), "%s", digest);
}

const char *build_pushed(void)
{
	return pushed;
}

static int push(struct store *st, const struct build_options *b, const struct transfer_form *form, bool quiet)
{
	AUTO_STRV struct strv mount_from = STRV_INIT;
	struct push_options o = {.access = b->pull.access, .form = *form, .mount_from = &mount_from};
	struct transfer_report report;
	int r;

	cache_repositories(&b->cache_to, &mount_from);
	transfer_report_init(&report, REPORT_PULL, quiet, build_note_pushed);
	o.report = &report.handler;
	r = image_push_names(st, &b->tags, &o);
	transfer_report_done(&report);
	return r;
}

/* @list: @id is one, of several platforms. */
static int save(struct store *st, const struct build_args *a, const struct build_output *o,
		const struct build_options *b, const char *id, bool list, bool quiet)
{
	struct save_options how = {.kind = o->kind == OUTPUT_OCI ? "oci-archive"
								       : "docker-archive"};
	AUTO_STRV struct strv names = STRV_INIT, annotations = STRV_INIT;
	struct transfer_report report;
	int r;

	r = o->kind == OUTPUT_OCI ? compress_form_of(compression_of(a, o), &how.form) : 0;
	if (r < 0)
		return r;
	strv_add_all(&names, &b->tags);
	if (o->name)
		strv_split(&names, o->name, ',');
	if (!names.n && !list)
		strv_add(&names, id);
	annotations_for(&b->annotations, ANNOTATE_INDEX_DESCRIPTOR, NULL, &annotations);
	transfer_report_init(&report, REPORT_READ, quiet, NULL);
	r = list ? image_save_list(st, id, &names, &annotations, &how, o->file.fd, &report.handler)
		 : image_save(st, &names, &how, o->file.fd, &report.handler);
	transfer_report_done(&report);
	return r;
}

int build_outputs_write_list(struct store *st, const struct build_args *a, const struct build_options *b,
			     const struct build_outputs *outs, const char *list, bool quiet)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < outs->n; i++)
		if (outs->v[i].kind == OUTPUT_OCI)
			r = save(st, a, &outs->v[i], b, list, true, quiet);
	return r < 0 ? err_wrap(r, "--output") : 0;
}

bool build_outputs_has_archive(const struct build_outputs *outs)
{
	for (unsigned i = 0; i < outs->n; i++)
		if (outs->v[i].kind == OUTPUT_OCI)
			return true;
	return false;
}

int build_outputs_write(struct store *st, const struct build_args *a, const struct build_options *b,
			const struct build_outputs *outs, const char *id, bool quiet)
{
	bool wants_push = a->push;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < outs->n; i++) {
		const struct build_output *o = &outs->v[i];

		wants_push |= o->push;
		if (o->kind == OUTPUT_OCI || o->kind == OUTPUT_DOCKER)
			r = save(st, a, o, b, id, false, quiet);
	}
	if (r == 0 && wants_push && !b->tags.n)
		r = err_usage("push=true needs a name to push to: name= or --tag");
	if (r == 0 && wants_push)
		r = push(st, b, &outs->push_form, quiet);
	return r < 0 ? err_wrap(r, "--output") : 0;
}

int build_outputs_fit(const struct build_outputs *outs, bool *ret_push)
{
	for (unsigned i = 0; i < outs->n; i++) {
		const struct build_output *o = &outs->v[i];

		*ret_push |= o->push;
		if (o->kind == OUTPUT_DOCKER || o->kind == OUTPUT_TAR)
			return err_new(-CE_UNSUPPORTED,
				       "--output: Docker's archives and a tar of files hold one "
				       "platform; type=oci and type=local hold several");
	}
	return 0;
}

int build_outputs_keep(struct build_outputs *o)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->n; i++)
		if (o->v[i].file.fd >= 0)
			r = archive_file_keep(&o->v[i].file);
	return r;
}

void build_outputs_done(struct build_outputs *o)
{
	for (unsigned i = 0; i < o->n; i++) {
		archive_file_drop(&o->v[i].file);
		closep(&o->v[i].dir);
		free(o->v[i].dest);
		free(o->v[i].name);
		free(o->v[i].compression_name);
		strv_done(&o->v[i].annotations);
	}
	free(o->v);
	*o = (struct build_outputs){0};
}
