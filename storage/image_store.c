/* SPDX-License-Identifier: MIT */
/*
 * images/<id>/ holds config and manifest byte for byte, and record.json with what listings want.
 * A record is replaced as a whole; only repo digests and manifests are ever added: one config may come
 * by several manifests (other compression, Docker's or OCI's types), each in a file of its own.
 */
#include "storage/image_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/fields.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/private_dir.h"
#include "storage/container_store.h"
#include "storage/image_internal.h"
#include "storage/layer.h"
#include "storage/shared.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

void image_summary_done(struct image_summary *s)
{
	free(s->manifest_type);
	free(s->manifest_digest);
	strv_done(&s->diffids);
	strv_done(&s->names);
	strv_done(&s->repo_digests);
	strv_done(&s->annotations);
	strv_done(&s->manifests);
	memset(s, 0, sizeof(*s));
}

void image_record_done(struct image_record *r)
{
	free(r->manifest);
	free(r->manifest_type);
	free(r->manifest_digest);
	free(r->config);
	free(r->index);
	free(r->index_type);
	free(r->index_digest);
	strv_done(&r->diffids);
	strv_done(&r->names);
	strv_done(&r->repo_digests);
	strv_done(&r->annotations);
	memset(r, 0, sizeof(*r));
}

void image_record_free(struct image_record *r)
{
	if (!r)
		return;
	image_record_done(r);
	free(r);
}

static bool id_is_valid(const char *s)
{
	return hex_is_exactly(s, 64);
}

static const struct json_field fields[] = {
	FIELD_TEXT(struct image_summary, "ManifestType", manifest_type, 0),
	FIELD_TEXT(struct image_summary, "ManifestDigest", manifest_digest, 0),
	FIELD_U64(struct image_summary, "SizeBytes", size_bytes, 0),
	FIELD_I64(struct image_summary, "CreatedNs", created_ns, 0),
	FIELD_LIST(struct image_summary, "Layers", diffids, 0),
	FIELD_LIST(struct image_summary, "RepoDigests", repo_digests, 0),
	FIELD_MAP(struct image_summary, "Manifests", manifests, JSON_SPARSE),
	FIELD_MAP(struct image_summary, "Annotations", annotations, JSON_SPARSE),
	FIELD_END,
};

static int record_parse(const char *text, size_t n, struct image_summary *s)
{
	int r = json_record_read(text, n, fields, "an image", s);

	for (size_t i = 0; r == 0 && i < s->diffids.n; i++)
		if (!id_is_valid(s->diffids.v[i]))
			r = err_new(-CE_CORRUPT, "a layer id is malformed");
	return r;
}

int image_read_file(struct store *st, const char *id, const char *file, struct sbuf *out)
{
	AUTO_FREE char *path = path_join(id, file);
	/* A listing reads all records. */
	int (*get)(int, const char *, size_t,
		   struct sbuf *) = strcmp(file, IMAGE_RECORD) == 0 ? file_read_own : file_read_at;
	int dir = store_fd(st, STORE_IMAGES);
	int r = dir < 0 ? dir : get(dir, path, DOCUMENT_MAX, out);

	/* All of an image is in one place, so that its parts fit each other. */
	return r == -ENOENT && !store_has(st, STORE_IMAGES, id)
		       ? shared_read(st, STORE_IMAGES, path, DOCUMENT_MAX, out)
		       : r;
}

int image_store_file(struct store *st, const char *id, const char *file, struct sbuf *out)
{
	return id_is_valid(id) ? image_read_file(st, id, file, out) : -ENOENT;
}

bool image_store_has(struct store *st, const char *id)
{
	return id_is_valid(id) &&
	       (store_has(st, STORE_IMAGES, id) || shared_has(st, STORE_IMAGES, id));
}

const char *image_store_read_only(struct store *st, const char *id)
{
	return id_is_valid(id) && shared_any(st) && !store_has(st, STORE_IMAGES, id)
		       ? shared_where(st, STORE_IMAGES, id)
		       : NULL;
}

/* @digest is valid, so its name is one of a file. */
char *image_manifest_file(const char *digest)
{
	return xasprintf(IMAGE_MANIFEST "-%s", digest);
}

int image_store_summary(struct store *st, const char *id, struct image_summary *ret)
{
	AUTO(image_summary_done) struct image_summary s = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r;

	if (!id_is_valid(id))
		return err_new(-CE_NO_IMAGE, "%s", id);
	r = image_read_file(st, id, IMAGE_RECORD, &b);
	if (r == -ENOENT)
		return err_new(-CE_NO_IMAGE, "%s", id);
	if (r == 0)
		r = record_parse(b.s, b.len, &s);
	if (r < 0)
		return err_wrap(r, "image %.12s", id);
	memcpy(s.id, id, 65);
	*ret = s;
	memset(&s, 0, sizeof(s));
	return 0;
}

int image_store_names(struct store *st, const char *id, struct strv *ret)
{
	AUTO_STRV struct strv refs = STRV_INIT, ids = STRV_INIT;
	int r = ref_pairs(st, &refs, &ids, NULL);

	for (size_t i = 0; r == 0 && i < refs.n; i++)
		if (strcmp(ids.v[i], id) == 0)
			strv_add(ret, refs.v[i]);
	return r;
}

int image_store_load(struct store *st, const char *id, struct image_record **ret)
{
	AUTO(image_summary_done) struct image_summary s = {0};
	AUTO_SBUF struct sbuf config = SBUF_INIT, manifest = SBUF_INIT;
	AUTO_STRV struct strv names = STRV_INIT;
	struct image_record *rec;
	bool has_manifest;
	int r = image_store_summary(st, id, &s);

	if (r == 0)
		r = image_read_file(st, id, IMAGE_CONFIG, &config);
	if (r < 0)
		return r;
	r = image_read_file(st, id, IMAGE_MANIFEST, &manifest);
	has_manifest = r == 0;
	r = err_forgive(r, -ENOENT);
	if (r == 0)
		r = image_store_names(st, id, &names);
	if (r < 0)
		return err_wrap(r, "image %.12s", id);
	rec = xcalloc(1, sizeof(*rec));
	memcpy(rec->id, id, 65);
	rec->config_len = config.len;
	rec->config = sbuf_steal(&config);
	rec->manifest_len = manifest.len;
	rec->manifest = has_manifest ? sbuf_steal(&manifest) : NULL;
	rec->manifest_type = TAKE_PTR(s.manifest_type);
	rec->manifest_digest = TAKE_PTR(s.manifest_digest);
	rec->size_bytes = s.size_bytes;
	rec->created_ns = s.created_ns;
	strv_add_all(&rec->diffids, &s.diffids);
	strv_add_all(&rec->repo_digests, &s.repo_digests);
	strv_add_all(&rec->annotations, &s.annotations);
	strv_add_all(&rec->names, &names);
	*ret = rec;
	return 0;
}

int image_store_manifest(struct store *st, const char *id, const char *digest, struct sbuf *ret,
			 char **ret_type, char **ret_digest)
{
	AUTO(image_summary_done) struct image_summary s = {0};
	AUTO_FREE char *file = NULL;
	const char *type;
	int r = image_store_summary(st, id, &s);

	if (r < 0)
		return r;
	if (!digest)
		digest = s.manifest_digest;
	if (!digest)
		return -ENOENT;
	if (s.manifest_digest && strcmp(s.manifest_digest, digest) == 0) {
		file = xstrdup(IMAGE_MANIFEST);
		type = s.manifest_type;
	} else {
		file = image_manifest_file(digest);
		type = strv_env_get(&s.manifests, digest);
	}
	if (!type)
		return -ENOENT;
	r = image_read_file(st, id, file, ret);
	if (r < 0)
		return err_wrap(r, "manifest of image %.12s", id);
	*ret_type = xstrdup(type);
	*ret_digest = xstrdup(digest);
	return 0;
}

int image_store_list(struct store *st, struct strv *ret_ids)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = store_names(st, STORE_IMAGES, &names);
	size_t own = names.n;

	if (r == 0)
		r = shared_names(st, STORE_IMAGES, &names);
	if (names.n > own)
		strv_sort(&names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (id_is_valid(names.v[i]) && (i == 0 || strcmp(names.v[i], names.v[i - 1]) != 0))
			strv_add(ret_ids, names.v[i]);
	return r;
}

int image_write_record(int dir, const struct image_record *r, const struct strv *manifests)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	/* Borrowed, all of it. */
	const struct image_summary s = {.manifest_type = r->manifest_type,
					.manifest_digest = r->manifest_digest,
					.size_bytes = r->size_bytes,
					.created_ns = r->created_ns,
					.diffids = r->diffids,
					.repo_digests = r->repo_digests,
					.manifests = *manifests,
					.annotations = r->annotations};

	json_record_write(fields, &s, &b);
	return file_replace(dir, IMAGE_RECORD, b.s, b.len, 0600, FILE_SYNC);
}

/* One more document, unless it is the first one or there already. Return: 1 when it was added. */
static int add_manifest(int dir, const char *first, const char *digest, const char *type,
			const char *bytes, size_t n, struct strv *manifests)
{
	AUTO_FREE char *file = NULL;
	int r;

	if (!digest || !bytes || (first && strcmp(first, digest) == 0) ||
	    strv_env_get(manifests, digest))
		return 0;
	file = image_manifest_file(digest);
	r = file_replace(dir, file, bytes, n, 0600, FILE_SYNC);
	if (r == 0)
		strv_addf(manifests, "%s=%s", digest, type);
	return r < 0 ? r : 1;
}

static int add_manifests(int dir, const char *first, const struct image_record *r,
			 struct strv *manifests, bool *changed)
{
	int e = add_manifest(dir, first, r->manifest_digest, r->manifest_type, r->manifest,
			     r->manifest_len, manifests);

	if (e > 0)
		*changed = true;
	if (e >= 0)
		e = add_manifest(dir, first, r->index_digest, r->index_type, r->index, r->index_len,
				 manifests);
	if (e > 0)
		*changed = true;
	return e < 0 ? e : 0;
}

static int lock_merge(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "images", LOCK_EXCLUSIVE);
}

/*
 * The same image again, perhaps from another registry. With the store lock held, which others who add have, too: two
 * who read the record at the same time would each write it without what the other adds.
 */
static int merge(struct store *st, const struct image_record *r)
{
	AUTO(image_summary_done) struct image_summary old = {0};
	AUTO(image_record_done) struct image_record now = {0};
	AUTO_CLOSE int lock = lock_merge(st), dir = -EBADF;
	int images = store_fd(st, STORE_IMAGES), e;
	bool changed = false;

	if (lock < 0)
		return lock;
	dir = images < 0 ? images : private_dir_at(images, r->id, false);
	if (dir < 0)
		return dir == -ENOENT ? err_new(-CE_NO_IMAGE, "%s", r->id) : dir;
	e = image_store_summary(st, r->id, &old);
	if (e < 0)
		err_drop(); /* damaged: what we were given is whole */
	if (e < 0 || (!old.manifest_digest && r->manifest)) {
		changed = true;
		e = file_replace(dir, IMAGE_CONFIG, r->config, r->config_len, 0600, FILE_SYNC);
		if (e == 0 && r->manifest)
			e = file_replace(dir, IMAGE_MANIFEST, r->manifest, r->manifest_len, 0600,
					 FILE_SYNC);
		if (e < 0)
			return e;
		free(old.manifest_type);
		free(old.manifest_digest);
		old.manifest_type = r->manifest_type ? xstrdup(r->manifest_type) : NULL;
		old.manifest_digest = r->manifest_digest ? xstrdup(r->manifest_digest) : NULL;
	}
	e = add_manifests(dir, old.manifest_digest, r, &old.manifests, &changed);
	if (e < 0)
		return e;
	for (size_t i = 0; i < r->repo_digests.n; i++)
		if (!strv_has(&old.repo_digests, r->repo_digests.v[i])) {
			strv_add(&old.repo_digests, r->repo_digests.v[i]);
			changed = true;
		}
	if (!changed && !r->annotations.n)
		return 0;
	now.manifest_type = TAKE_PTR(old.manifest_type);
	now.manifest_digest = TAKE_PTR(old.manifest_digest);
	now.size_bytes = r->size_bytes;
	now.created_ns = r->created_ns;
	strv_add_all(&now.diffids, &r->diffids);
	strv_add_all(&now.repo_digests, &old.repo_digests);
	strv_add_all(&now.annotations, r->annotations.n ? &r->annotations : &old.annotations);
	return image_write_record(dir, &now, &old.manifests);
}

static int put_new(struct store *st, struct stage *s, const struct image_record *r)
{
	AUTO_STRV struct strv manifests = STRV_INIT;
	bool changed = false;
	int e = file_create(s->fd, IMAGE_CONFIG, r->config, r->config_len, 0600, FILE_SYNC);

	if (e == 0 && r->manifest)
		e = file_create(s->fd, IMAGE_MANIFEST, r->manifest, r->manifest_len, 0600,
				FILE_SYNC);
	if (e == 0)
		e = add_manifests(s->fd, r->manifest_digest, r, &manifests, &changed);
	if (e == 0)
		e = image_write_record(s->fd, r, &manifests);
	crash_point("image-staged");
	if (e == 0)
		e = stage_commit(st, s, STORE_IMAGES, r->id, true);
	return e;
}

int image_store_put(struct store *st, const struct image_record *r)
{
	AUTO_CLOSE int lock = -EBADF;
	struct stage s = STAGE_INIT;
	int e;

	if (!id_is_valid(r->id))
		return err_new(-CE_BAD_FORMAT, "'%s' is not an image id", r->id);
	lock = store_lock(st, false);
	if (lock < 0)
		return lock;
	for (size_t i = 0; i < r->diffids.n; i++)
		if (!layer_exists(st, r->diffids.v[i]) &&
		    shared_layer_make(st, r->diffids.v[i]) < 0)
			return err_new(-CE_CORRUPT, "image %.12s: layer %.12s is missing", r->id,
				       r->diffids.v[i]);
	e = store_has(st, STORE_IMAGES, r->id) ? -EEXIST : stage_begin(st, &s);
	if (e == 0)
		e = put_new(st, &s, r);
	stage_abort(st, &s); /* nothing, once committed */
	if (e == -EEXIST)
		e = merge(st, r);
	for (size_t i = 0; e == 0 && i < r->names.n; i++)
		e = ref_set(st, r->names.v[i], r->id, r->manifest ? r->manifest_digest : NULL,
			    NULL);
	crash_point("image-put");
	return e < 0 ? err_wrap(e, "store image %.12s", r->id) : 0;
}

/* The containers and, in step, the images they were made from. */
static int container_images(struct store *st, struct strv *ret_containers, struct strv *ret_images)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO_JSON struct json_object *o = NULL;
		const char *image = NULL;

		r = container_store_json(st, ids.v[i], &o);
		if (r == 0 && o)
			r = json_get_str(o, "ImageID", &image);
		if (r < 0)
			return err_wrap(r, "container %.12s", ids.v[i]);
		if (image) {
			strv_add(ret_containers, ids.v[i]);
			strv_add(ret_images, image);
		}
	}
	return r;
}

int image_store_users(struct store *st, const char *id, struct strv *ret_containers)
{
	AUTO_STRV struct strv ids = STRV_INIT, images = STRV_INIT;
	int r = container_images(st, &ids, &images);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		if (strcmp(images.v[i], id) == 0)
			strv_add(ret_containers, ids.v[i]);
	return r;
}

int image_store_usage(struct store *st, struct strv *ret_image_ids)
{
	AUTO_STRV struct strv ids = STRV_INIT;

	return container_images(st, &ids, ret_image_ids);
}

static int check_unused(struct store *st, const char *id)
{
	AUTO_STRV struct strv users = STRV_INIT;
	int r = image_store_users(st, id, &users);

	if (r == 0 && users.n)
		r = err_new(-CE_IN_USE, "image %.12s is used by container %.12s", id, users.v[0]);
	return r;
}

static int check_names(const char *id, const struct strv *names, unsigned flags)
{
	size_t max = flags & IMAGE_REMOVE_DANGLING ? 0 : 1;
	AUTO_FREE char *list = NULL;

	if (flags & IMAGE_REMOVE_NAMED || names->n <= max)
		return 0;
	list = strv_join(names, ", ");
	return err_new(-CE_BAD_STATE, "image %.12s has %s (%s)", id,
		       max ? "more than one name" : "a name", list);
}

static int read_only(struct store *st, const char *id)
{
	const char *dir = image_store_read_only(st, id);

	return err_new(-EROFS, "image %.12s is in the shared store %s", id,
		       dir ? dir : "of another");
}

/* With store_lock() exclusive. */
static int remove_image(struct store *st, const char *id, const struct strv *names)
{
	AUTO(image_summary_done) struct image_summary s = {0};
	/* A damaged record can still be removed; its layers then wait for the next prune. */
	int read = image_store_summary(st, id, &s), r = 0;

	if (read < 0)
		err_drop();
	for (size_t i = 0; r == 0 && i < names->n; i++) {
		r = ref_remove(st, names->v[i]);
		r = err_forgive(r, -CE_NO_IMAGE);
	}
	crash_point("image-unnamed");
	if (r == 0)
		r = store_trash(st, STORE_IMAGES, id);
	crash_point("image-trashed");
	if (r == 0 && read == 0)
		r = layer_remove_unused(st, &s.diffids);
	return r;
}

int image_store_remove(struct store *st, const char *id, unsigned flags)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int lock = store_lock(st, true);
	int r;

	if (lock < 0)
		return lock;
	if (image_store_read_only(st, id))
		return read_only(st, id);
	if (!id_is_valid(id) || !store_has(st, STORE_IMAGES, id))
		return err_new(-CE_NO_IMAGE, "%s", id);
	r = image_store_names(st, id, &names);
	if (r == 0)
		r = check_names(id, &names, flags);
	if (r == 0 && !(flags & IMAGE_REMOVE_USED))
		r = check_unused(st, id);
	return r < 0 ? r : remove_image(st, id, &names);
}

int image_store_remove_name(struct store *st, const char *reference, const char *id, unsigned flags,
			    bool *ret_gone)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int lock = store_lock(st, true);
	bool last;
	int r;

	if (lock < 0)
		return lock;
	r = image_store_names(st, id, &names);
	if (r < 0)
		return r;
	if (!strv_has(&names, reference))
		return err_new(-CE_NO_IMAGE, "%s", reference);
	/* Of an image in a shared store one's own names can go, it and its names there stay. */
	if (!ref_is_own(st, reference))
		return read_only(st, id);
	last = names.n == 1 && !image_store_read_only(st, id);
	if (last && !(flags & IMAGE_REMOVE_USED))
		r = check_unused(st, id);
	if (r == 0)
		r = last ? remove_image(st, id, &names) : ref_remove(st, reference);
	if (r == 0)
		*ret_gone = last;
	return r;
}

int image_store_tag(struct store *st, const char *reference, const char *id, const char *manifest)
{
	AUTO_CLOSE int lock = store_lock(st, false);

	if (lock < 0)
		return lock;
	if (!image_store_has(st, id))
		return err_new(-CE_NO_IMAGE, "%s", id);
	return ref_set(st, reference, id, manifest, NULL);
}

int image_store_prune_layers(struct store *st)
{
	AUTO_CLOSE int lock = store_lock(st, true);

	return lock < 0 ? lock : layer_remove_unused(st, NULL);
}
