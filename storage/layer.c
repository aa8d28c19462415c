/* SPDX-License-Identifier: MIT */
/*
 * layers/<diffid>/	tree/		what overlay gets; files of subordinate ids
 *			record.json	where it came from, how big it is
 *			implied		paths the archive did not list, NUL after each; not there when none
 *			blob		the archive as received, if it was kept
 *			digests		where in the tree which content is, for others (pkg/transfer/chunked.h)
 *			recipe		how to make the archive again from the tree, if that can be
 *			unsettled	boot id of an unsynced commit; see layer_settle.c
 */
#include "storage/layer.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/fields.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/open.h"
#include "pkg/sys/private_dir.h"
#include "storage/check_internal.h"
#include "storage/layer_internal.h"
#include "storage/shared_internal.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define RECORD "record.json"
#define RECORD_MAX (1UL << 20)
#define IMPLIED "implied"
#define IMPLIED_MAX (64UL << 20)
#define DIGESTS "digests"

static const char *const files[] = {[LAYER_BLOB] = "blob", [LAYER_RECIPE] = "recipe"};

void layer_record_done(struct layer_record *r)
{
	free(r->blob_digest);
	free(r->media_type);
	strv_done(&r->implied);
	memset(r, 0, sizeof(*r));
}

bool layer_id_is_valid(const char *s)
{
	return hex_is_exactly(s, 64);
}

int layer_check_id(const char *s)
{
	return layer_id_is_valid(s) ? 0 : err_new(-CE_BAD_FORMAT, "'%s' is not a layer id", s);
}

bool layer_exists(struct store *st, const char *diffid)
{
	int layers = store_fd(st, STORE_LAYERS), r;

	if (layers < 0 || !layer_id_is_valid(diffid) || !store_has(st, STORE_LAYERS, diffid)) {
		err_drop();
		return false;
	}
	r = layer_is_lost(layers, diffid);
	err_drop();
	return r == 0;
}

int layer_read_implied(struct store *st, const char *diffid, struct strv *ret)
{
	AUTO_FREE char *path = path_join(diffid, IMPLIED);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int layers = store_fd(st, STORE_LAYERS), r;

	if (layers < 0)
		return layers;
	r = file_read_at(layers, path, IMPLIED_MAX, &b);
	if (r == -ENOENT) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return err_wrap(r, "layer %.12s", diffid);
	for (size_t i = 0; i < b.len; i += strlen(b.s + i) + 1)
		strv_add(ret, b.s + i);
	return 0;
}

static const struct json_field fields[] = {
	FIELD_TEXT(struct layer_record, "BlobDigest", blob_digest, 0),
	FIELD_TEXT(struct layer_record, "MediaType", media_type, 0),
	FIELD_U64(struct layer_record, "BlobBytes", blob_bytes, 0),
	FIELD_U64(struct layer_record, "TreeBytes", tree_bytes, 0),
	FIELD_U64(struct layer_record, "TarBytes", tar_bytes, JSON_SPARSE),
	FIELD_BOOL(struct layer_record, "Blob", has_blob, JSON_SPARSE),
	FIELD_BOOL(struct layer_record, "Recipe", has_recipe, JSON_SPARSE),
	FIELD_END,
};

int layer_record_load(struct store *st, const char *diffid, struct layer_record *ret)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *path = path_join(diffid, RECORD);
	int layers = store_fd(st, STORE_LAYERS), r = layer_check_id(diffid);

	if (r < 0 || layers < 0)
		return r < 0 ? r : layers;
	r = file_read_at(layers, path, RECORD_MAX, &b);
	if (r == 0)
		r = json_record_read(b.s, b.len, fields, "a layer", &rec);
	if (r == 0)
		r = layer_read_implied(st, diffid, &rec.implied);
	if (r < 0)
		return err_wrap(r, "layer %.12s", diffid);
	*ret = rec;
	memset(&rec, 0, sizeof(rec));
	return 0;
}

int layer_record_shared(struct store *st, const char *diffid, struct layer_record *ret)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	AUTO_FREE char *record = path_join(diffid, RECORD), *implied = path_join(diffid, IMPLIED);
	AUTO_SBUF struct sbuf b = SBUF_INIT, names = SBUF_INIT;
	int r = shared_read(st, STORE_LAYERS, record, RECORD_MAX, &b);

	if (r == 0)
		r = json_record_read(b.s, b.len, fields, "a layer", &rec);
	if (r == 0) {
		r = shared_read(st, STORE_LAYERS, implied, IMPLIED_MAX, &names);
		r = r == -ENOENT ? 0 : r;
	}
	if (r < 0)
		return r;
	if (names.len && names.s[names.len - 1])
		return err_new(-CE_CORRUPT, "%s of a shared layer", IMPLIED);
	for (size_t i = 0; i < names.len; i += strlen(names.s + i) + 1)
		strv_add(&rec.implied, names.s + i);
	*ret = rec;
	memset(&rec, 0, sizeof(rec));
	return 0;
}

int layer_stage_begin(struct store *st, struct layer_stage *ret)
{
	struct stage s = STAGE_INIT;
	int tree = -EBADF, r = stage_begin(st, &s);

	if (r < 0)
		return r;
	/* The archive may give the root its own mode and owner; until then it is what a root is. */
	if (mkdirat(s.fd, "tree", 0700) < 0 || fchmodat(s.fd, "tree", 0755, 0) < 0 ||
	    (tree = openat(s.fd, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0) {
		r = err_new(-errno, "make a layer's directory");
		stage_abort(st, &s);
		return r;
	}
	ret->name = TAKE_PTR(s.name);
	ret->tree_fd = tree;
	ret->lock_fd = TAKE_FD(s.lock_fd);
	ret->in_use = false;
	ret->recipe_fd = openat(s.fd, files[LAYER_RECIPE],
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	closep(&s.fd);
	return 0;
}

char *layer_stage_blob_path(const struct layer_stage *s)
{
	return path_join(s->name, files[LAYER_BLOB]);
}

int layer_stage_blob(struct store *st, const struct layer_stage *s)
{
	AUTO_FREE char *path = layer_stage_blob_path(s);
	int staging = store_fd(st, STORE_STAGING), fd;

	if (staging < 0)
		return staging;
	fd = openat(staging, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? err_new(-errno, "make a layer's blob") : fd;
}

/* Where the content of a shared layer is, below the directory that its link names. */
static int open_at_shared(struct store *st, const char *diffid, const char *below, int flags)
{
	AUTO_FREE char *link = path_join(diffid, SHARED_LINK), *path = NULL;
	char dir[PATH_MAX];
	ssize_t n = readlinkat(store_fd(st, STORE_LAYERS), link, dir, sizeof(dir) - 1);
	int fd;

	if (n <= 0)
		return n < 0 && errno == ENOENT ? -ENOENT : err_new(-errno, "layer %.12s", diffid);
	dir[n] = '\0';
	path = path_join(dir, below);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);
	return fd < 0 ? err_new(-errno, "layer %.12s: open %s", diffid, path) : fd;
}

int layer_open_data(struct store *st, const char *diffid)
{
	return open_at_shared(st, diffid, "data", O_DIRECTORY);
}

static int open_shared_blob(struct store *st, const char *diffid)
{
	AUTO_FREE char *below = path_join3("layers", diffid, files[LAYER_BLOB]);
	int fd = open_at_shared(st, diffid, below, 0);

	if (fd < 0 && fd != -ENOENT)
		err_drop();
	return fd < 0 ? -ENOENT : fd;
}

int layer_open(struct store *st, const char *diffid, enum layer_file which)
{
	AUTO_FREE char *path = path_join(diffid, files[which]);
	int layers = store_fd(st, STORE_LAYERS), r = layer_check_id(diffid), fd;

	if (r < 0 || layers < 0)
		return r < 0 ? r : layers;
	fd = openat(layers, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return which == LAYER_BLOB ? open_shared_blob(st, diffid) : -ENOENT;
	return fd < 0 ? err_new(-errno, "layer %s", path) : fd;
}

int layer_open_tree(struct store *st, const char *diffid)
{
	AUTO_FREE char *path = path_join(diffid, "tree");
	int layers = store_fd(st, STORE_LAYERS), r = layer_check_id(diffid), fd;

	if (r < 0 || layers < 0)
		return r < 0 ? r : layers;
	fd = openat(layers, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "layer %.12s", diffid) : fd;
}

static int write_implied(int dir, const struct strv *implied)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	for (size_t i = 0; i < implied->n; i++)
		sbuf_add(&b, implied->v[i], strlen(implied->v[i]) + 1);
	return b.len ? file_create(dir, IMPLIED, b.s, b.len, 0600, FILE_NO_SYNC) : 0;
}

static int write_record(int dir, const struct layer_record *rec)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r;

	if (!rec->has_blob)
		(void)unlinkat(dir, files[LAYER_BLOB], 0);
	if (!rec->has_recipe)
		(void)unlinkat(dir, files[LAYER_RECIPE], 0);
	json_record_write(fields, rec, &b);
	r = layer_mark_unsettled(dir);
	if (r == 0)
		r = write_implied(dir, &rec->implied);
	if (r == 0)
		r = file_create(dir, RECORD, b.s, b.len, 0600, FILE_NO_SYNC);
	return r;
}

int layer_adopt_blob(struct store *st, const char *diffid, int fd, const char *digest,
		     const char *media_type, uint64_t size)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	AUTO_CLOSE int lock = layer_try_lock(st, diffid), dir = -EBADF;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int layers = store_fd(st, STORE_LAYERS), r;
	char path[32];

	if (lock < 0 || layers < 0)
		return lock < 0 ? lock : layers;
	dir = openat(layers, diffid, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "layer %.12s", diffid);
	r = layer_record_load(st, diffid, &rec);
	if (r < 0 || rec.has_blob)
		return r < 0 ? r : -EEXIST;
	/* The record is what makes it count; a leftover of a killed process is replaced. */
	(void)unlinkat(dir, files[LAYER_BLOB], 0);
	if (fdatasync(fd) < 0 ||
	    linkat(AT_FDCWD, fd_path(fd, path), dir, files[LAYER_BLOB], AT_SYMLINK_FOLLOW) < 0)
		return err_new(-errno, "keep the archive of layer %.12s", diffid);
	free(rec.blob_digest);
	free(rec.media_type);
	rec.blob_digest = xstrdup(digest);
	rec.media_type = xstrdup(media_type);
	rec.blob_bytes = size;
	rec.has_blob = true;
	json_record_write(fields, &rec, &b);
	return file_replace(dir, RECORD, b.s, b.len, 0600, FILE_SYNC);
}

static int link_digests(int dir, const char *name, int fd)
{
	AUTO_FREE char *to = path_join(name, DIGESTS);
	char path[32];

	if (linkat(AT_FDCWD, fd_path(fd, path), dir, to, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		return err_new(-errno, "keep the digests of a layer");
	return 0;
}

int layer_stage_digests(struct store *st, const struct layer_stage *s, int fd)
{
	int staging = store_fd(st, STORE_STAGING);

	return staging < 0 ? staging : link_digests(staging, s->name, fd);
}

int layer_adopt_digests(struct store *st, const char *diffid, int fd)
{
	int layers = store_fd(st, STORE_LAYERS), r = layer_check_id(diffid);

	return r < 0 || layers < 0 ? (r < 0 ? r : layers) : link_digests(layers, diffid, fd);
}

/* A layer of that name stands there. It is as good as ours, unless it was lost in a power failure. */
static int commit_over(struct store *st, struct stage *s, const char *diffid)
{
	AUTO_CLOSE int lock = store_lock(st, true);
	int r;

	if (lock < 0)
		return lock;
	if (layer_exists(st, diffid))
		return -EEXIST;
	r = store_trash(st, STORE_LAYERS, diffid);
	if (r < 0)
		return r;
	return stage_commit(st, s, STORE_LAYERS, diffid, false);
}

int layer_stage_commit(struct store *st, struct layer_stage *ls, const char *diffid,
		       const struct layer_record *rec)
{
	struct stage s = STAGE_INIT;
	int staging = store_fd(st, STORE_STAGING), r = layer_check_id(diffid);

	if (r < 0 || staging < 0)
		return r < 0 ? r : staging;
	s.fd = openat(staging, ls->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s.fd < 0)
		return err_new(-errno, "open staging/%s", ls->name);
	s.name = TAKE_PTR(ls->name);
	s.lock_fd = TAKE_FD(ls->lock_fd);
	r = write_record(s.fd, rec);
	crash_point("layer-staged");
	if (r == 0)
		r = stage_commit(st, &s, STORE_LAYERS, diffid, false);
	if (r == -EEXIST)
		r = commit_over(st, &s, diffid);
	if (r == -EEXIST && ls->in_use) {
		ls->name = TAKE_PTR(s.name);
		ls->lock_fd = TAKE_FD(s.lock_fd);
		closep(&s.fd);
		return 0;
	}
	/* Before it is removed: a file that is open stays on some file systems (sys/rmtree.h). */
	closep(&ls->tree_fd);
	closep(&ls->recipe_fd);
	stage_abort(st, &s); /* nothing, once committed */
	return r < 0 && r != -EEXIST ? err_wrap(r, "store layer %.12s", diffid) : 0;
}

void layer_stage_abort(struct store *st, struct layer_stage *ls)
{
	struct stage s = {.name = TAKE_PTR(ls->name), .fd = -EBADF, .lock_fd = ls->lock_fd};

	if (!s.name)
		return;
	closep(&ls->tree_fd);
	closep(&ls->recipe_fd);
	ls->lock_fd = -EBADF;
	stage_abort(st, &s);
}

int layer_list(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = store_names(st, STORE_LAYERS, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (layer_id_is_valid(names.v[i]))
			strv_add(ret, names.v[i]);
	return r;
}

int layer_forget_blob(struct store *st, const char *diffid)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	AUTO_CLOSE int dir = -EBADF;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int layers = store_fd(st, STORE_LAYERS), r = layer_record_load(st, diffid, &rec);

	if (r < 0)
		return r;
	dir = openat(layers, diffid, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "layer %.12s", diffid);
	rec.has_blob = false;
	json_record_write(fields, &rec, &b);
	r = file_replace(dir, RECORD, b.s, b.len, 0600, FILE_SYNC);
	if (r == 0)
		(void)unlinkat(dir, files[LAYER_BLOB], 0);
	return r;
}

int layer_try_lock(struct store *st, const char *diffid)
{
	char file[80];
	int locks = store_fd(st, STORE_LOCKS), r = layer_check_id(diffid);

	if (r < 0 || locks < 0)
		return r < 0 ? r : locks;
	(void)snprintf(file, sizeof(file), "layer-%s", diffid);
	return lock_try_open(locks, file, LOCK_EXCLUSIVE);
}
