/* SPDX-License-Identifier: MIT */
#include "pkg/image/artifact.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/base/utf8.h"
#include "pkg/image/image.h"
#include "pkg/image/tag.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"

#define EMPTY_CONFIG "{}"
#define EMPTY_TYPE "application/vnd.oci.empty.v1+json"
#define DEFAULT_TYPE "application/vnd.unknown.artifact.v1"
#define TITLE "org.opencontainers.image.title"
#define CREATED "org.opencontainers.image.created"
#define PREFIX_MIN 6

/* --- finding ----------------------------------------------------------------------------------- */

static int find_by_digest(struct store *st, const char *hex, struct artifact_record *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = artifact_store_names(st, &names);
	bool found = false;

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(artifact_record_done) struct artifact_record rec = {0};

		r = artifact_store_load(st, names.v[i], &rec);
		if (r < 0 || strncmp(digest_hex(rec.digest), hex, strlen(hex)) != 0)
			continue;
		if (found && strcmp(ret->digest, rec.digest) != 0) {
			artifact_record_done(ret);
			return err_new(-CE_AMBIGUOUS, "artifact %s", hex);
		}
		if (found)
			continue;
		found = true;
		*ret = rec;
		rec = (struct artifact_record){0};
	}
	return r < 0 ? r : found ? 0 : err_new(-CE_NO_ARTIFACT, "%s", hex);
}

static int find_by_name(struct store *st, const char *typed, struct artifact_record *ret)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *full = NULL;
	int r = reference_parse(typed, &ref);

	if (r < 0)
		return r;
	if (!ref.host) {
		AUTO_FREE char *local = NULL;

		r = image_tag_name(typed, &local);
		if (r == 0)
			r = artifact_store_load(st, local, ret);
		if (r != -CE_NO_ARTIFACT)
			return r;
		err_drop();
	}
	reference_normalise(&ref);
	full = reference_text(&ref);
	r = artifact_store_load(st, full, ret);
	return r == -CE_NO_ARTIFACT ? err_new(r, "%s", typed) : r;
}

int artifact_find(struct store *st, const char *typed, struct artifact_record *ret)
{
	const char *hex = strncmp(typed, "sha256:", 7) == 0 ? typed + 7 : typed;
	size_t n = strlen(hex);
	bool may_be_digest = n >= PREFIX_MIN && n <= 64 && hex_is_valid(hex, n);
	int r = hex != typed || (may_be_digest && n == 64) ? -CE_NO_ARTIFACT
							   : find_by_name(st, typed, ret);

	if (r != -CE_NO_ARTIFACT)
		return r;
	err_drop();
	return may_be_digest ? find_by_digest(st, hex, ret) : err_new(-CE_NO_ARTIFACT, "%s", typed);
}

/* --- adding ------------------------------------------------------------------------------------ */

struct added {
	char *digest;
	uint64_t size;
	const char *type;
};

/* What browsers call it; a handful is enough for a default. */
static const char *guess_type(const unsigned char *p, size_t n)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *type;
	} known[] = {
		{"\x1f\x8b\x08", 3, "application/x-gzip"}, {"PK\x03\x04", 4, "application/zip"},
		{"%PDF-", 5, "application/pdf"},           {"\x89PNG\r\n\x1a\n", 8, "image/png"},
		{"\xff\xd8\xff", 3, "image/jpeg"},         {"GIF8", 4, "image/gif"},
		{"\0asm", 4, "application/wasm"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (n >= known[i].n && memcmp(p, known[i].magic, known[i].n) == 0)
			return known[i].type;
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 && !strchr("\t\n\f\r\x1b", p[i]))
			return "application/octet-stream";
	return "text/plain; charset=utf-8";
}

static int put_bytes(int dir, const void *p, size_t n, struct added *ret)
{
	AUTO_CLOSE int fd = artifact_blob_begin(dir);
	char hex[65];
	int r = fd < 0 ? fd : write_full(fd, p, n);

	if (r < 0)
		return r;
	sha256_hex(p, n, hex);
	ret->digest = xasprintf("sha256:%s", hex);
	ret->size = n;
	return artifact_blob_commit(dir, fd, ret->digest);
}

static int put_file(int dir, const char *file, struct added *ret)
{
	AUTO_CLOSE int in = open(file, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	AUTO_CLOSE int fd = -EBADF;
	unsigned char buf[65536];
	struct sha256 h;
	struct stat sb;
	char hex[65];
	ssize_t n;
	int r;

	if (in < 0 || fstat(in, &sb) < 0)
		return err_new(-errno, "%s", file);
	if (!S_ISREG(sb.st_mode))
		return err_usage("'%s' is not a regular file", file);
	fd = artifact_blob_begin(dir);
	if (fd < 0)
		return fd;
	sha256_init(&h);
	while ((n = read(in, buf, sizeof(buf))) != 0) {
		if (n < 0)
			return err_new(-errno, "read %s", file);
		if (ret->size == 0)
			ret->type = guess_type(buf, n < 512 ? (size_t)n : 512);
		sha256_add(&h, buf, (size_t)n);
		ret->size += (uint64_t)n;
		r = write_full(fd, buf, (size_t)n);
		if (r < 0)
			return err_new(r, "keep %s", file);
	}
	sha256_end_hex(&h, hex);
	if (!ret->type)
		ret->type = guess_type(NULL, 0);
	ret->digest = xasprintf("sha256:%s", hex);
	return artifact_blob_commit(dir, fd, ret->digest);
}

static struct json_object *descriptor_of(const struct added *a, const char *type)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "mediaType", type);
	json_set_str(o, "digest", a->digest);
	json_set_i64(o, "size", (int64_t)a->size);
	return o;
}

static int check_annotations(const struct strv *annotations)
{
	for (size_t i = 0; annotations && i < annotations->n; i++) {
		if (!strchr(annotations->v[i], '=') || *annotations->v[i] == '=')
			return err_usage("--annotation '%s' is not KEY=VALUE", annotations->v[i]);
		if (strncmp(annotations->v[i], TITLE "=", sizeof(TITLE)) == 0)
			return err_usage("--annotation '%s': the title is the file's name",
					 annotations->v[i]);
	}
	return 0;
}

static bool has_title(struct json_object *layers, const char *title)
{
	for (size_t i = 0; i < json_object_array_length(layers); i++) {
		struct json_object *annotations = NULL;
		const char *t = NULL;

		if (json_get_obj(json_object_array_get_idx(layers, i), "annotations",
				 &annotations) < 0 ||
		    (annotations && json_get_str(annotations, TITLE, &t) < 0))
			err_drop();
		if (t && strcmp(t, title) == 0)
			return true;
	}
	return false;
}

static int add_file(int dir, const char *file, const struct artifact_add *o,
		    struct json_object *layers)
{
	const char *slash = strrchr(file, '/');
	const char *title = slash ? slash + 1 : file;
	struct json_object *d, *annotations;
	struct added a = {0};
	int r;

	if (!*title || has_title(layers, title))
		return err_usage("'%s': the artifact has a file of that name", file);
	r = put_file(dir, file, &a);
	if (r < 0) {
		freep(&a.digest);
		return r;
	}
	d = descriptor_of(&a, o->file_type ? o->file_type : a.type);
	annotations = o->annotations && o->annotations->n ? json_from_map(o->annotations)
							  : json_object_new_object();
	json_set_str(annotations, TITLE, title);
	json_set(d, "annotations", annotations);
	(void)json_object_array_add(layers, d);
	freep(&a.digest);
	return 0;
}

static int new_manifest(int dir, const char *type, struct json_object **ret)
{
	struct json_object *o, *config, *annotations;
	char at[CLOCK_TEXT_MAX];
	struct added a = {0};
	int r = put_bytes(dir, EMPTY_CONFIG, strlen(EMPTY_CONFIG), &a);

	if (r < 0) {
		freep(&a.digest);
		return r;
	}
	o = json_object_new_object();
	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", MEDIA_OCI_MANIFEST);
	json_set_str(o, "artifactType", type ? type : DEFAULT_TYPE);
	config = descriptor_of(&a, EMPTY_TYPE);
	json_set_str(config, "data", "e30=");
	json_set(o, "config", config);
	json_set(o, "layers", json_object_new_array());
	annotations = json_object_new_object();
	clock_format_utc(clock_now_ns(), at);
	json_set_str(annotations, CREATED, at);
	json_set(o, "annotations", annotations);
	freep(&a.digest);
	*ret = o;
	return 0;
}

static int begin(struct store *st, const char *name, const struct artifact_add *o, int dir,
		 struct json_object **ret)
{
	AUTO(artifact_record_done) struct artifact_record old = {0};
	int r = artifact_store_load(st, name, &old);

	if (r == 0 && o->append)
		return json_parse(old.manifest, strlen(old.manifest), ret);
	if (r == 0 && !o->replace)
		return err_new(-CE_NAME_IN_USE, "artifact %s: --append or --replace", name);
	if (r < 0 && (r != -CE_NO_ARTIFACT || o->append))
		return r;
	err_drop();
	return new_manifest(dir, o->type, ret);
}

static int put_record(struct store *st, const char *name, struct json_object *doc,
		      struct artifact_record *ret)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	char hex[65];
	int r;

	json_write(doc, false, &text);
	r = manifest_parse(text.s, text.len, MEDIA_OCI_MANIFEST, &m);
	if (r < 0)
		return r;
	sha256_hex(text.s, text.len, hex);
	*ret = (struct artifact_record){.name = xstrdup(name),
					.digest = xasprintf("sha256:%s", hex),
					.media_type = xstrdup(MEDIA_OCI_MANIFEST),
					.manifest = sbuf_steal(&text),
					.created_ns = clock_now_ns()};
	return artifact_store_put(st, ret);
}

int artifact_add(struct store *st, const char *typed, char *const *files, int n,
		 const struct artifact_add *o, struct artifact_record *ret)
{
	AUTO_JSON struct json_object *doc = NULL;
	struct json_object *layers = NULL;
	AUTO_FREE char *name = NULL;
	AUTO_CLOSE int hold = -EBADF;
	int dir, r = image_tag_name(typed, &name);

	if (r == 0 && o->append && (o->replace || o->type))
		r = err_usage("--append goes not with --replace or --type");
	if (r == 0)
		r = check_annotations(o->annotations);
	if (r < 0)
		return r;
	hold = artifact_store_hold(st);
	dir = hold < 0 ? hold : store_fd(st, STORE_BLOBS);
	r = dir < 0 ? dir : begin(st, name, o, dir, &doc);
	if (r == 0)
		r = json_get_arr(doc, "layers", &layers);
	for (int i = 0; r == 0 && i < n; i++)
		r = add_file(dir, files[i], o, layers);
	return r == 0 ? put_record(st, name, doc, ret) : r;
}

/* --- looking ----------------------------------------------------------------------------------- */

int artifact_inspect(struct store *st, const char *typed, struct json_object **ret)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	struct json_object *o, *manifest = NULL;
	int r = artifact_find(st, typed, &rec);

	if (r == 0)
		r = json_parse(rec.manifest, strlen(rec.manifest), &manifest);
	if (r < 0)
		return r;
	o = json_object_new_object();
	json_set(o, "Manifest", manifest);
	json_set_str(o, "Name", rec.name);
	json_set_str(o, "Digest", rec.digest);
	*ret = o;
	return 0;
}

static int add_row(struct store *st, const char *name, bool no_trunc, struct json_object *rows)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *repository = NULL, *digest = NULL, *ago = NULL;
	char span[CLOCK_TEXT_MAX];
	struct json_object *o;
	uint64_t size = 0;
	int r = artifact_store_load(st, name, &rec);

	if (r == 0)
		r = manifest_parse(rec.manifest, strlen(rec.manifest), rec.media_type, &m);
	if (r == 0)
		r = reference_parse(rec.name, &ref);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < m.n_layers; i++)
		size += m.layers[i].size;
	repository = reference_name(&ref);
	digest = no_trunc ? xstrdup(digest_hex(rec.digest)) : xstrndup(digest_hex(rec.digest), 12);
	clock_format_span(clock_now_ns() - rec.created_ns, span);
	ago = xasprintf("%s ago", span);
	o = json_object_new_object();
	json_set_str(o, "Repository", repository);
	json_set_str(o, "Tag", ref.tag ? ref.tag : "<none>");
	json_set_str(o, "Digest", digest);
	json_set_str(o, "Created", ago);
	json_set_size(o, "Size", size);
	json_set_i64(o, "VirtualSize", (int64_t)size);
	(void)json_object_array_add(rows, o);
	return 0;
}

int artifact_rows(struct store *st, bool no_trunc, struct json_object **ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = artifact_store_names(st, &names);

	*ret = json_object_new_array();
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = add_row(st, names.v[i], no_trunc, *ret);
		if (r == -CE_NO_ARTIFACT) { /* just removed */
			err_drop();
			r = 0;
		}
	}
	return r;
}

int artifact_remove(struct store *st, const char *typed, struct artifact_record *ret)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	int r = artifact_find(st, typed, &rec);

	if (r == 0)
		r = artifact_store_remove(st, rec.name);
	if (r < 0)
		return r;
	*ret = rec;
	rec = (struct artifact_record){0};
	return 0;
}
