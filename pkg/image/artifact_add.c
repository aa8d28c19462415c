/* SPDX-License-Identifier: MIT */
/* Files become an artifact: each a blob, and a manifest that names them. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sha256.h"
#include "pkg/image/artifact.h"
#include "pkg/image/tag.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"

#define EMPTY_CONFIG "{}"
#define EMPTY_TYPE "application/vnd.oci.empty.v1+json"
#define DEFAULT_TYPE "application/vnd.unknown.artifact.v1"
#define CONFIG_TYPE \
	"application/vnd.oci.image.config.v1+json" /* podman's for a config without a type */
#define TITLE "org.opencontainers.image.title"
#define CREATED "org.opencontainers.image.created"

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
		if (p[i] < 0x20 && (!p[i] || !strchr("\t\n\f\r\x1b", p[i])))
			return "application/octet-stream";
	return "text/plain; charset=utf-8";
}

static int put_bytes(int dir, const void *p, size_t n, struct added *ret)
{
	ret->size = n;
	return artifact_blob_put(dir, p, n, &ret->digest);
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

	if (!*title || (!o->no_titles && has_title(layers, title)))
		return err_usage("'%s': the artifact has a file of that name", file);
	r = put_file(dir, file, &a);
	if (r < 0) {
		freep(&a.digest);
		return r;
	}
	d = descriptor_of(&a, o->file_type ? o->file_type : a.type);
	annotations = o->annotations && o->annotations->n ? json_from_map(o->annotations)
							  : json_object_new_object();
	if (!o->no_titles)
		json_set_str(annotations, TITLE, title);
	if (json_object_object_length(annotations))
		json_set(d, "annotations", annotations);
	else
		(void)json_object_put(annotations);
	(void)json_object_array_add(layers, d);
	freep(&a.digest);
	return 0;
}

/* The descriptor of its config: a file's, or the empty one, whose content goes with it. */
static int add_config(int dir, const struct artifact_add *o, struct json_object **ret)
{
	struct added a = {0};
	int r = o->config ? put_file(dir, o->config, &a)
			  : put_bytes(dir, EMPTY_CONFIG, strlen(EMPTY_CONFIG), &a);

	if (r == 0) {
		const char *usual = o->config ? CONFIG_TYPE : EMPTY_TYPE;

		*ret = descriptor_of(&a, o->config_type ? o->config_type : usual);
		if (!o->config)
			json_set_str(*ret, "data", "e30=");
	}
	freep(&a.digest);
	return r;
}

static int new_manifest(int dir, const struct artifact_add *o, struct json_object **ret)
{
	struct json_object *config = NULL, *annotations;
	char at[CLOCK_TEXT_MAX];
	int r = add_config(dir, o, &config);

	if (r < 0)
		return r;
	*ret = json_object_new_object();
	json_set_i64(*ret, "schemaVersion", 2);
	json_set_str(*ret, "mediaType", MEDIA_OCI_MANIFEST);
	json_set_str(*ret, "artifactType", o->type ? o->type : DEFAULT_TYPE);
	json_set(*ret, "config", config);
	json_set(*ret, "layers", json_object_new_array());
	if (o->subject)
		json_set(*ret, "subject", json_object_get(o->subject));
	if (o->undated)
		return 0;
	annotations = json_object_new_object();
	clock_format_utc(clock_now_ns(), at);
	json_set_str(annotations, CREATED, at);
	json_set(*ret, "annotations", annotations);
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
	return new_manifest(dir, o, ret);
}

static int put_record(struct store *st, const char *name, struct json_object *doc,
		      struct artifact_record *ret)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r;

	json_write(doc, false, &text);
	r = manifest_parse(text.s, text.len, MEDIA_OCI_MANIFEST, &m);
	if (r < 0)
		return r;
	*ret = (struct artifact_record){.name = xstrdup(name),
					.digest = digest_sha256_of(text.s, text.len),
					.media_type = xstrdup(MEDIA_OCI_MANIFEST),
					.created_ns = clock_now_ns()};
	ret->manifest = sbuf_steal(&text);
	return artifact_put_told(st, "create", ret);
}

int artifact_add(struct store *st, const char *typed, char *const *files, int n,
		 const struct artifact_add *o, struct artifact_record *ret)
{
	AUTO_JSON struct json_object *doc = NULL;
	struct json_object *layers = NULL;
	AUTO_FREE char *name = NULL;
	AUTO_CLOSE int hold = -EBADF, lock = -EBADF;
	int dir, r = image_tag_name(typed, &name);

	if (r == 0 && o->append && (o->replace || o->type))
		r = err_usage("--append goes not with --replace or --type");
	if (r == 0)
		r = check_annotations(o->annotations);
	if (r < 0)
		return r;
	hold = artifact_store_hold(st);
	lock = hold < 0 ? hold : artifact_store_lock(st, name);
	dir = lock < 0 ? lock : store_fd(st, STORE_BLOBS);
	r = dir < 0 ? dir : begin(st, name, o, dir, &doc);
	if (r == 0)
		r = json_get_arr(doc, "layers", &layers);
	for (int i = 0; r == 0 && i < n; i++)
		r = add_file(dir, files[i], o, layers);
	return r == 0 ? put_record(st, name, doc, ret) : r;
}

int artifact_manifest(struct store *st, char *const *files, int n, const struct artifact_add *o,
		      struct sbuf *ret_text, char **ret_type)
{
	AUTO_JSON struct json_object *doc = NULL;
	AUTO(manifest_done) struct manifest m = {0};
	struct json_object *layers = NULL;
	int dir = store_fd(st, STORE_BLOBS);
	int r = dir < 0 ? dir : new_manifest(dir, o, &doc);

	if (r == 0)
		r = json_get_arr(doc, "layers", &layers);
	for (int i = 0; r == 0 && i < n; i++)
		r = add_file(dir, files[i], o, layers);
	if (r < 0)
		return r;
	json_write(doc, false, ret_text);
	/* What we would not take from others we do not make. */
	r = manifest_parse(ret_text->s, ret_text->len, MEDIA_OCI_MANIFEST, &m);
	if (r == 0)
		*ret_type = xstrdup(o->type ? o->type : DEFAULT_TYPE);
	return r;
}
