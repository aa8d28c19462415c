/* SPDX-License-Identifier: MIT */
/* Manifests by name: of images and lists that are here, and of registries. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/manifest_list_internal.h"
#include "pkg/image/platform.h"
#include "pkg/image/transfer_client.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/sys/file.h"

void found_manifest_done(struct found_manifest *f)
{
	freep(&f->media_type);
	freep(&f->digest);
	freep(&f->artifact_type);
	freep(&f->image);
	freep(&f->artifact);
	freep(&f->source);
	platform_done(&f->platform);
	strv_done(&f->annotations);
}

void found_manifests_done(struct found_manifests *f)
{
	for (size_t i = 0; i < f->n; i++)
		found_manifest_done(&f->v[i]);
	free(f->v);
	*f = (struct found_manifests){0};
}

static struct found_manifest *one_more(struct found_manifests *f)
{
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n] = (struct found_manifest){0};
	return &f->v[f->n++];
}

static void copy_platform(const struct platform *from, struct platform *to)
{
	to->os = from->os ? xstrdup(from->os) : NULL;
	to->architecture = from->architecture ? xstrdup(from->architecture) : NULL;
	to->variant = from->variant ? xstrdup(from->variant) : NULL;
	to->os_version = from->os_version ? xstrdup(from->os_version) : NULL;
	strv_add_all(&to->os_features, &from->os_features);
}

static void fill(const struct descriptor *d, struct found_manifest *f)
{
	f->media_type = xstrdup(d->media_type);
	f->digest = xstrdup(d->digest);
	f->size = d->size;
	f->artifact_type = d->artifact_type ? xstrdup(d->artifact_type) : NULL;
	copy_platform(&d->platform, &f->platform);
	strv_add_all(&f->annotations, &d->annotations);
}

static int choose(const struct manifest *index, const char *platform, const struct descriptor **ret)
{
	struct platform want = {0};
	int r = 0;

	if (platform)
		r = platform_parse(platform, &want);
	else
		platform_host(&want);
	if (r == 0)
		r = manifest_choose(index, &want, ret);
	platform_done(&want);
	return r;
}

/* --- lists that are here ----------------------------------------------------------------------- */

static int read_index(const struct list_record *rec, struct manifest *ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	json_write(rec->index, false, &b);
	return manifest_parse(b.s, b.len, NULL, ret);
}

static int fill_from_list(const struct list_record *rec, const struct descriptor *d,
			  struct found_manifest *f)
{
	struct json_object *where = NULL;
	const char *image = NULL, *source = NULL, *artifact = NULL;
	int r = json_get_obj(rec->instances, d->digest, &where);

	fill(d, f);
	if (r == 0 && where)
		r = json_get_str(where, "Image", &image);
	if (r == 0 && where)
		r = json_get_str(where, "Source", &source);
	if (r == 0 && where)
		r = json_get_bool(where, "Insecure", &f->insecure);
	if (r == 0 && where)
		r = json_get_str(where, "Manifest", &artifact);
	if (r == 0 && !image && !source && !artifact)
		r = err_new(-CE_CORRUPT, "%s does not say where %s is", rec->name, d->digest);
	f->image = image ? xstrdup(image) : NULL;
	f->source = source ? xstrdup(source) : NULL;
	f->artifact = artifact ? xstrdup(artifact) : NULL;
	return r;
}

int found_in_list(const struct list_record *rec, const char *platform, struct found_manifest *ret)
{
	AUTO(manifest_done) struct manifest index = {0};
	const struct descriptor *d;
	int r = read_index(rec, &index);

	if (r == 0)
		r = choose(&index, platform, &d);
	return r < 0 ? err_wrap(r, "%s", rec->name) : fill_from_list(rec, d, ret);
}

static int from_list(const struct list_record *rec, bool all, const char *platform,
		     struct found_manifests *ret)
{
	AUTO(manifest_done) struct manifest index = {0};
	int r;

	if (!all)
		return found_in_list(rec, platform, one_more(ret));
	r = read_index(rec, &index);
	for (unsigned i = 0; r == 0 && i < index.n_children; i++)
		r = fill_from_list(rec, &index.children[i], one_more(ret));
	return r;
}

/* --- images that are here ---------------------------------------------------------------------- */

static void take_digest(void *data, const char *reference, const char *id)
{
	char **digest = data;

	(void)reference;
	freep(digest);
	*digest = xstrdup(id);
}

/* An image that was made here has none yet. */
static int prepare(struct store *st, const char *id, char **ret_digest)
{
	struct transfer_prepare p = {.id = id};
	struct transfer_handler h = {.image = take_digest, .data = ret_digest};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	int r;

	transfer_prepare_put(&body, &p);
	r = transfer_run(st, TRANSFER_PREPARE, &body, NULL, 0, &h);
	if (r == 0 && !*ret_digest)
		r = err_new(-CE_PROTOCOL, "no manifest was made");
	return r;
}

static int from_image(struct store *st, const struct image_record *rec, const char *name,
		      struct found_manifest *f)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf raw = SBUF_INIT;
	AUTO_FREE char *digest = image_manifest_of(st, rec, name);
	int r = digest ? 0 : prepare(st, rec->id, &digest);

	if (r == 0)
		r = image_store_manifest(st, rec->id, digest, &raw, &f->media_type, &f->digest);
	if (r == -ENOENT)
		r = err_new(-CE_CORRUPT, "image %.12s has lost its manifest", rec->id);
	if (r == 0)
		r = manifest_parse(raw.s, raw.len, f->media_type, &m);
	/* Pulled by the digest of a list: of that it has one image. */
	if (r == 0 && m.is_index) {
		AUTO_FREE char *own = rec->manifest_digest ? xstrdup(rec->manifest_digest) : NULL;

		sbuf_reset(&raw);
		freep(&f->media_type);
		freep(&f->digest);
		r = image_store_manifest(st, rec->id, own, &raw, &f->media_type, &f->digest);
	}
	if (r == 0)
		r = image_config_platform(rec->config, rec->config_len, &f->platform);
	f->size = raw.len;
	f->image = xstrdup(rec->id);
	return r;
}

int found_digest(struct store *st, const char *entry, char **ret)
{
	AUTO_FREE char *matched = NULL;
	struct image_record *rec = NULL;
	int r;

	if (strncmp(entry, "sha256:", 7) == 0) {
		*ret = xstrdup(entry);
		return digest_is_valid(entry) ? 0 : err_usage("'%s' is not a digest", entry);
	}
	r = image_find(st, entry, &rec, &matched);
	if (r == 0)
		*ret = image_manifest_of(st, rec, matched);
	image_record_free(rec);
	return r < 0 ? r : *ret ? 0 : err_new(-CE_NO_OBJECT, "image %s has no manifest", entry);
}

/* --- registries -------------------------------------------------------------------------------- */

struct remote {
	char *name, *media_type; /* "host/path@digest" */
	const struct transfer_handler *up;
};

static void on_remote(void *data, const char *reference, const char *id)
{
	struct remote *m = data;

	freep(&m->name);
	freep(&m->media_type);
	m->name = xstrdup(reference ? reference : "");
	m->media_type = xstrdup(id);
}

static void on_message(void *data, bool warning, const char *text)
{
	const struct remote *m = data;

	if (m->up && m->up->message)
		m->up->message(m->up->data, warning, text);
}

static int take_file(int fd, struct sbuf *out)
{
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;

	return r < 0 ? err_new(r, "manifest") : file_read_fd(fd, MANIFEST_BYTES_MAX, out);
}

/* As oneself, not in B: nothing is kept, and helpers for credentials are the user's. */
static int ask(const char *name, const struct transfer_access *a, struct remote *m,
	       struct sbuf *manifest, struct sbuf *config)
{
	struct transfer_manifest q = {.name = name, .access = *a};
	struct transfer_handler h = {.image = on_remote, .message = on_message, .data = m};
	AUTO_CLOSE int first = memfd_create("manifest", MFD_CLOEXEC);
	AUTO_CLOSE int second = memfd_create("config", MFD_CLOEXEC);
	int fds[2] = {first, second}, r;
	AUTO_SBUF struct sbuf body = SBUF_INIT;

	if (first < 0 || second < 0)
		return err_new(-errno, "memfd_create");
	transfer_manifest_put(&body, &q);
	r = transfer_run(NULL, TRANSFER_MANIFEST, &body, fds, 2, &h);
	explicit_bzero(body.s, body.len);
	if (r == 0 && (!m->name || !strchr(m->name, '@')))
		r = err_new(-CE_PROTOCOL, "no manifest came");
	if (r == 0)
		r = take_file(first, manifest);
	return r == 0 ? take_file(second, config) : r;
}

static void set_source(struct found_manifest *f, const char *name, const struct transfer_access *a)
{
	f->source = xstrndup(name, strcspn(name, "@"));
	f->insecure = a->tls_verify == 0;
}

/* @ret_name: "host/path@digest" that was asked, @ret_list: it is a list; both may be NULL. */
static int from_registry(const char *name, const struct list_source *s, const char *platform,
			 struct found_manifests *ret, char **ret_name, bool *ret_list)
{
	AUTO_SBUF struct sbuf raw = SBUF_INIT, config = SBUF_INIT;
	AUTO(manifest_done) struct manifest m = {0};
	struct remote at = {.up = s->report};
	struct found_manifest *f;
	int r = ask(name, &s->access, &at, &raw, &config);

	if (r == 0)
		r = manifest_parse(raw.s, raw.len, at.media_type, &m);
	if (r == 0 && !m.is_index) {
		f = one_more(ret);
		f->media_type = xstrdup(m.media_type);
		f->digest = xstrdup(strchr(at.name, '@') + 1);
		f->size = raw.len;
		set_source(f, at.name, &s->access);
		if (config.len)
			r = image_config_platform(config.s, config.len, &f->platform);
	} else if (r == 0 && !s->all) {
		const struct descriptor *d;

		r = choose(&m, platform, &d);
		if (r == 0) {
			f = one_more(ret);
			fill(d, f);
			set_source(f, at.name, &s->access);
		}
	}
	for (unsigned i = 0; r == 0 && s->all && i < m.n_children; i++) {
		f = one_more(ret);
		fill(&m.children[i], f);
		set_source(f, at.name, &s->access);
	}
	if (ret_list)
		*ret_list = m.is_index;
	if (r == 0 && ret_name)
		*ret_name = TAKE_PTR(at.name);
	freep(&at.name);
	freep(&at.media_type);
	return r;
}

int manifest_bytes(const char *name, const struct transfer_access *a, struct sbuf *ret)
{
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	struct remote at = {0};
	int r = ask(name, a, &at, ret, &config);

	freep(&at.name);
	freep(&at.media_type);
	return r;
}

int manifests_under(struct store *st, const struct list_source *s, struct found_manifests *ret,
		    char **ret_name, bool *ret_list)
{
	AUTO(list_record_done) struct list_record rec = {0};
	bool remote = strncmp(s->image, "docker://", 9) == 0;
	int r = remote ? -CE_NO_LIST : list_find(st, s->image, &rec);

	if (r == 0) {
		*ret_list = true;
		*ret_name = xstrdup(rec.name);
		return from_list(&rec, true, NULL, ret);
	}
	if (r != -CE_NO_LIST)
		return r;
	err_drop();
	return from_registry(s->image, s, NULL, ret, ret_name, ret_list);
}

/* --- what an operand is ------------------------------------------------------------------------ */

static int from_here(struct store *st, const char *name, const struct list_source *s,
		     const char *platform, struct found_manifests *ret)
{
	AUTO(list_record_done) struct list_record list = {0};
	AUTO_FREE char *matched = NULL;
	struct image_record *rec = NULL;
	int r = image_find(st, name, &rec, &matched);

	if (r == 0)
		r = from_image(st, rec, matched, one_more(ret));
	image_record_free(rec);
	if (r != -CE_NO_IMAGE)
		return r;
	err_drop();
	r = list_find(st, name, &list);
	if (r == -CE_NO_LIST)
		return err_new(-CE_NO_IMAGE, "%s", name);
	return r == 0 ? from_list(&list, s->all, platform, ret) : r;
}

int found_manifests(struct store *st, const struct list_source *s, struct found_manifests *ret)
{
	static const char *const others[] = {
		"dir:", "docker-archive:", "oci-archive:", "oci:", "docker-daemon:"};
	static const char here[] = "containers-storage:", remote[] = "docker://";
	AUTO_FREE char *platform = NULL;
	const char *name = s->image;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strncmp(name, others[i], strlen(others[i])) == 0)
			return err_usage("'%s': %s is not supported here; load it first", name,
					 others[i]);
	r = platform_choice(NULL, s->words.os, s->words.arch, s->words.variant, &platform);
	if (r < 0)
		return r;
	if (strncmp(name, remote, sizeof(remote) - 1) == 0)
		return from_registry(name, s, platform, ret, NULL, NULL);
	if (strncmp(name, here, sizeof(here) - 1) == 0)
		return from_here(st, name + sizeof(here) - 1, s, platform, ret);
	r = from_here(st, name, s, platform, ret);
	if (r != -CE_NO_IMAGE)
		return r;
	err_drop();
	return from_registry(name, s, platform, ret, NULL, NULL);
}

int list_inspect(struct store *st, const char *typed, const struct transfer_access *a,
		 struct json_object **ret, bool *ret_single)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_SBUF struct sbuf raw = SBUF_INIT, config = SBUF_INIT;
	AUTO(manifest_done) struct manifest m = {0};
	struct remote at = {0};
	bool remote = strncmp(typed, "docker://", 9) == 0;
	int r = remote ? -CE_NO_LIST : list_find(st, typed, &rec);

	*ret_single = false;
	if (r == 0) {
		*ret = json_object_get(rec.index);
		return 0;
	}
	if (r != -CE_NO_LIST)
		return r;
	err_drop();
	r = ask(typed, a, &at, &raw, &config);
	if (r == 0)
		r = manifest_parse(raw.s, raw.len, at.media_type, &m);
	if (r == 0)
		r = json_parse(raw.s, raw.len, ret);
	*ret_single = r == 0 && !m.is_index;
	freep(&at.name);
	freep(&at.media_type);
	return r;
}

void list_remote_done(struct list_remote *r)
{
	sbuf_done(&r->raw);
	sbuf_done(&r->config);
	freep(&r->name);
	freep(&r->media_type);
	freep(&r->digest);
}

int list_remote(const char *typed, const struct transfer_access *a, struct list_remote *ret)
{
	struct remote at = {0};
	int r = ask(typed, a, &at, &ret->raw, &ret->config);

	if (r == 0) {
		const char *digest = strchr(at.name, '@');

		ret->name = xstrndup(at.name, (size_t)(digest - at.name));
		ret->digest = xstrdup(digest + 1);
		ret->media_type = TAKE_PTR(at.media_type);
	}
	freep(&at.name);
	freep(&at.media_type);
	return r;
}
