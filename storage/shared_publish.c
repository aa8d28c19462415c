/* SPDX-License-Identifier: MIT */
/*
 * Making and updating a shared store. Everything is written aside and renamed, layers before images
 * before names, under a lock in the directory: readers, who take none, see the old or the new. Nothing
 * that somebody may use is taken away; parts of data/ that no layer claims are a dead publisher's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/archive/tree_tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/copy.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/names.h"
#include "pkg/sys/overlay_data.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "storage/image_store.h"
#include "storage/shared_internal.h"
#include "storage/store_internal.h"

#define ID_DIGITS 6
#define NEW ".new-"
#define LOCK ".lock"
#define NUMBERS_MAX 1000000U

struct publisher {
	struct store *st;
	const char *dir;
	int root, data; /* data: data/<store> */
	char id[ID_DIGITS + 1];
};

/* --- files that everybody reads ------------------------------------------------------------------- */

static int put_dir(int at, const char *name)
{
	if (mkdirat(at, name, 0755) < 0)
		return errno == EEXIST ? -EEXIST : err_new(-errno, "make %s", name);
	return fchmodat(at, name, 0755, 0) < 0 ? err_new(-errno, "chmod %s", name) : 0;
}

static int open_dir(int at, const char *name, bool create)
{
	int r = create ? put_dir(at, name) : 0, fd;

	if (r < 0 && r != -EEXIST)
		return r;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", name) : fd;
}

/* The mode comes before the name: nobody sees the file without it. */
static int put_bytes(int at, const char *name, const void *p, size_t n)
{
	char aside[32] = NEW;
	int r;

	random_hex(aside + strlen(NEW), 16);
	r = file_write_new(at, aside, p, n, 0644, FILE_SYNC);
	if (r == 0 && fchmodat(at, aside, 0644, 0) < 0)
		r = err_new(-errno, "chmod %s", name);
	if (r == 0 && renameat(at, aside, at, name) < 0)
		r = err_new(-errno, "make %s", name);
	if (r < 0)
		(void)unlinkat(at, aside, 0);
	return r;
}

static int put_copy(int from, int at, const char *name)
{
	AUTO_CLOSE int to = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				   0644);
	int r = to < 0 ? err_new(-errno, "make %s", name) : copy_content(NULL, from, to);

	if (r == 0 && fchmod(to, 0644) < 0)
		r = err_new(-errno, "chmod %s", name);
	return r;
}

/* --- one layer ------------------------------------------------------------------------------------ */

struct layer_writer {
	struct tree_sink sink;
	struct sbuf meta;
	int data; /* this layer's part of data/ */
	uint64_t files, pending; /* pending: number of the file whose content comes next */
};

static int on_entry(struct tree_sink *s, const struct tar_entry *e)
{
	struct layer_writer *w = (struct layer_writer *)s;

	w->pending = e->type == TAR_FILE && e->size ? ++w->files : 0;
	meta_put(&w->meta, e, w->pending);
	return 0;
}

static int on_file(struct tree_sink *s, int fd)
{
	struct layer_writer *w = (struct layer_writer *)s;
	char name[24];

	if (!w->pending)
		return 0;
	(void)snprintf(name, sizeof(name), "%llx", (unsigned long long)w->pending);
	return put_copy(fd, w->data, name);
}

/* A free number, which is ours from now on. */
static int claim_place(struct publisher *p, char place[PLACE_MAX + 1])
{
	for (unsigned n = 1; n < NUMBERS_MAX; n++) {
		char name[16];
		int r;

		(void)snprintf(name, sizeof(name), "%x", n);
		r = put_dir(p->data, name);
		if (r == -EEXIST)
			continue;
		if (r < 0)
			return r;
		(void)snprintf(place, PLACE_MAX + 1, "%s/%s", p->id, name);
		return open_dir(p->data, name, false);
	}
	return err_new(-CE_LIMIT, "too many layers");
}

static int write_tree(struct publisher *p, const char *diffid, int stage)
{
	struct layer_writer w = {.sink = {on_entry, on_file}, .meta = SBUF_INIT};
	AUTO_CLOSE int tree = layer_open_tree(p->st, diffid),
		       shared = layer_open_data(p->st, diffid);
	AUTO(tree_tar_freep) struct tree_tar *t = NULL;
	struct tree_tar_options o = {.overlay = true, .data = shared > 0 ? shared : 0};
	char place[PLACE_MAX + 1];
	int r;

	if (tree < 0 || (shared < 0 && shared != -ENOENT))
		return tree < 0 ? tree : shared;
	w.data = claim_place(p, place);
	if (w.data < 0)
		return w.data;
	wire_put_str(&w.meta, META_MAGIC);
	t = tree_tar_new(&w.sink, &o);
	r = tree_tar_add(t, tree, ".", "");
	if (r == 0)
		r = put_bytes(stage, META, w.meta.s, w.meta.len);
	if (r == 0)
		r = put_bytes(stage, PLACE, place, strlen(place));
	sbuf_done(&w.meta);
	closep(&w.data);
	return r;
}

static int copy_part(struct publisher *p, const char *diffid, const char *file, int stage)
{
	AUTO_FREE char *path = path_join(diffid, file);
	AUTO_CLOSE int fd = openat(store_fd(p->st, STORE_LAYERS), path,
				   O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "open %s", path);
	return put_copy(fd, stage, file);
}

/* @fill it below the name @aside, then rename it to @path. */
static int stage_dir(struct publisher *p, const char *path,
		     int (*fill)(struct publisher *p, const char *id, int stage), const char *id)
{
	AUTO_CLOSE int stage = -EBADF;
	char aside[32] = NEW;
	int r;

	random_hex(aside + strlen(NEW), 16);
	stage = open_dir(p->root, aside, true);
	r = stage < 0 ? stage : fill(p, id, stage);
	if (r == 0 && syncfs(stage) < 0)
		r = err_new(-errno, "sync");
	if (r == 0 && renameat(p->root, aside, p->root, path) < 0)
		r = err_new(-errno, "move %s into place", path);
	if (r < 0 && stage >= 0) {
		AUTO_FREE char *words = xstrdup(err_trail());

		(void)rmtree(p->root, aside);
		(void)err_set(r, words);
	}
	return r;
}

static int fill_layer(struct publisher *p, const char *diffid, int stage)
{
	static const char *const parts[] = {"record.json", "implied", "recipe", "blob"};
	int r = write_tree(p, diffid, stage);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++)
		r = copy_part(p, diffid, parts[i], stage);
	return r;
}

static bool has(const struct publisher *p, const char *path)
{
	return faccessat(p->root, path, F_OK, 0) == 0;
}

static int publish_layer(struct publisher *p, const char *diffid)
{
	AUTO_FREE char *path = path_join("layers", diffid);
	int r;

	if (has(p, path))
		return 0;
	r = layer_exists(p->st, diffid) ? 0 : shared_layer_make(p->st, diffid);
	if (r == -ENOENT)
		r = err_new(-CE_CORRUPT, "it is missing");
	if (r == 0)
		r = stage_dir(p, path, fill_layer, diffid);
	return r < 0 ? err_wrap(r, "layer %.12s", diffid) : 0;
}

/* --- one image ------------------------------------------------------------------------------------ */

/* Names of the files of an image: those of the record that is there, wherever that is. */
static int image_files(struct publisher *p, const char *id, struct strv *ret)
{
	AUTO(image_summary_done) struct image_summary s = {0};
	int r = image_store_summary(p->st, id, &s);

	if (r < 0)
		return r;
	strv_add(ret, "config");
	if (s.manifest_digest)
		strv_add(ret, "manifest");
	for (size_t i = 0; i < s.manifests.n; i++)
		strv_addf(ret, "manifest-%.*s", (int)strcspn(s.manifests.v[i], "="),
			  s.manifests.v[i]);
	strv_add(ret, "record.json"); /* last: it names the others */
	return 0;
}

static int fill_image(struct publisher *p, const char *id, int stage)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = image_files(p, id, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		r = image_store_file(p->st, id, files.v[i], &b);
		if (r == 0)
			r = put_bytes(stage, files.v[i], b.s, b.len);
	}
	return r;
}

static int publish_names(struct publisher *p, const char *id)
{
	AUTO_CLOSE int dir = open_dir(p->root, "refs", false);
	AUTO_STRV struct strv names = STRV_INIT;
	int r = dir < 0 ? dir : image_store_names(p->st, id, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *file = ref_escape(names.v[i]), *manifest = NULL;
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		r = ref_manifest(p->st, names.v[i], &manifest);
		if (r < 0)
			break;
		sbuf_addf(&b, "%s\n%s\n", id, names.v[i]);
		if (*manifest)
			sbuf_addf(&b, "%s\n", manifest);
		r = put_bytes(dir, file, b.s, b.len);
	}
	return r;
}

static int publish_image(struct publisher *p, const char *id)
{
	AUTO(image_summary_done) struct image_summary s = {0};
	AUTO_FREE char *path = path_join("images", id);
	AUTO_CLOSE int dir = -EBADF;
	int r = image_store_summary(p->st, id, &s);

	for (size_t i = 0; r == 0 && i < s.diffids.n; i++)
		r = publish_layer(p, s.diffids.v[i]);
	if (r == 0 && has(p, path)) {
		dir = open_dir(p->root, path, false);
		r = dir < 0 ? dir : fill_image(p, id, dir); /* a manifest may have come */
	} else if (r == 0) {
		r = stage_dir(p, path, fill_image, id);
	}
	if (r == 0)
		r = publish_names(p, id);
	return r < 0 ? err_wrap(r, "image %.12s", id) : 0;
}

/* --- the store ------------------------------------------------------------------------------------ */

static int make_store(struct publisher *p)
{
	static const char *const dirs[] = {"layers", "images", "refs", "data"};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int data = -EBADF;
	char id[ID_DIGITS + 1];
	int r = dir_names(p->root, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (names.v[i][0] != '.' && strcmp(names.v[i], "lost+found") != 0 &&
		    strcmp(names.v[i], "data") && strcmp(names.v[i], "id") &&
		    strcmp(names.v[i], "layers") && strcmp(names.v[i], "images") &&
		    strcmp(names.v[i], "refs"))
			return err_new(-CE_HOST_SETUP, "it is not empty and no image store");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++) {
		r = put_dir(p->root, dirs[i]);
		r = r == -EEXIST ? 0 : r;
	}
	data = r < 0 ? r : open_dir(p->root, "data", false);
	if (data < 0)
		return data;
	random_hex(id, ID_DIGITS);
	r = put_bytes(data, OVERLAY_DATA_MARK, "", 0);
	if (r == 0)
		r = put_bytes(p->root, "id", id, ID_DIGITS);
	return r < 0 ? r : put_bytes(p->root, "version", SHARED_VERSION, strlen(SHARED_VERSION));
}

static int open_store(struct publisher *p)
{
	AUTO_SBUF struct sbuf version = SBUF_INIT, id = SBUF_INIT;
	AUTO_CLOSE int data = -EBADF;
	struct stat sb;
	int r;

	if (mkdir(p->dir, 0755) == 0)
		(void)chmod(p->dir, 0755);
	p->root = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->root < 0 || fstat(p->root, &sb) < 0)
		return err_new(-errno, "open it");
	if (sb.st_uid != geteuid())
		return err_new(-CE_HOST_SETUP, "it belongs to another user");
	if (sb.st_mode & 022)
		return err_new(-CE_UNSAFE, "it can be written by others: chmod go-w it");
	r = file_read_at(p->root, "version", 256, &version);
	if (r == -ENOENT) {
		err_drop();
		r = make_store(p);
	} else if (r == 0 && strcmp(version.s, SHARED_VERSION) != 0) {
		r = err_new(-CE_HOST_SETUP, "it is no image store of this cuddy");
	}
	if (r == 0)
		r = file_read_at(p->root, "id", ID_DIGITS, &id);
	if (r < 0)
		return r;
	if (!hex_is_valid(id.s, ID_DIGITS))
		return err_new(-CE_CORRUPT, "its id is none");
	(void)snprintf(p->id, sizeof(p->id), "%s", id.s);
	data = open_dir(p->root, "data", false);
	p->data = data < 0 ? data : open_dir(data, p->id, true);
	return p->data < 0 ? p->data : 0;
}

/* With the lock held: what is written aside, and places that no layer has, are of dead publishers. */
static int sweep(struct publisher *p)
{
	AUTO_CLOSE int layers = open_dir(p->root, "layers", false);
	AUTO_STRV struct strv top = STRV_INIT, ids = STRV_INIT, places = STRV_INIT,
			      used = STRV_INIT;
	int r = layers < 0 ? layers : dir_names(p->root, &top);

	for (size_t i = 0; r == 0 && i < top.n; i++)
		if (strncmp(top.v[i], NEW, strlen(NEW)) == 0)
			r = rmtree(p->root, top.v[i]);
	if (r == 0)
		r = dir_names(layers, &ids);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO_FREE char *path = path_join(ids.v[i], PLACE);
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		r = file_read_at(layers, path, PLACE_MAX, &b);
		if (r == 0 && strchr(b.s, '/'))
			strv_add(&used, strchr(b.s, '/') + 1);
	}
	strv_sort(&used);
	if (r == 0)
		r = dir_names(p->data, &places);
	for (size_t i = 0; r == 0 && i < places.n; i++)
		if (!strv_has_sorted(&used, places.v[i]))
			r = rmtree(p->data, places.v[i]);
	return r;
}

int shared_publish(struct store *st, const char *dir, const struct strv *ids)
{
	struct publisher p = {.st = st, .dir = dir, .root = -EBADF, .data = -EBADF};
	AUTO_CLOSE int lock = -EBADF;
	int r = 0;

	if (store_has_file_marks(st))
		r = err_new(-CE_UNSUPPORTED, "the store's file system cannot hold what is to be "
					     "published; use another --root");
	if (r == 0)
		r = open_store(&p);
	if (r == 0)
		r = lock = lock_open(p.root, LOCK, LOCK_EXCLUSIVE);
	if (r >= 0)
		r = sweep(&p);
	for (size_t i = 0; r == 0 && i < ids->n; i++)
		r = publish_image(&p, ids->v[i]);
	closep(&p.data);
	closep(&p.root);
	return r < 0 ? err_wrap(r, "publish to %s", dir) : 0;
}
