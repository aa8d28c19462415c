/* SPDX-License-Identifier: MIT */
#include "storage/shared.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/path.h"
#include "pkg/base/wire.h"
#include "pkg/config/storage_conf.h"
#include "pkg/sys/file.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "storage/shared_internal.h"
#include "storage/store_internal.h"

struct shared_store {
	char *path;
	int root;
};

struct shared_list {
	struct shared_store *v;
	size_t n;
};

void shared_list_free(struct shared_list *l)
{
	for (size_t i = 0; l && i < l->n; i++) {
		closep(&l->v[i].root);
		free(l->v[i].path);
	}
	if (l)
		free(l->v);
	free(l);
}

/* Return: 1 it is one; 0 there is none, another tool's, or one of a later format. */
static int look(int root, const char *path)
{
	AUTO_SBUF struct sbuf version = SBUF_INIT;
	struct stat sb;
	int r;

	if (fstat(root, &sb) < 0)
		return err_new(-errno, "stat %s", path);
	r = file_read_in(root, "version", 256, &version);
	if (r < 0 || strcmp(version.s ? version.s : "", SHARED_VERSION) != 0) {
		if (version.s && strncmp(version.s, "cuddy-shared ", 13) == 0)
			log_warn("the image store %s is of a newer cuddy: passed over", path);
		log_debug("store", "%s is no image store of cuddy's", path);
		err_drop();
		return 0;
	}
	if (sb.st_mode & 022)
		return err_new(-CE_UNSAFE,
			       "the image store %s can be written by others than its owner: "
			       "chmod go-w it, or take it out of storage.conf",
			       path);
	return 1;
}

static int load(struct shared_list *l, const struct strv *paths)
{
	l->v = xcalloc(paths->n + 1, sizeof(*l->v));
	for (size_t i = 0; i < paths->n; i++) {
		int fd = open(paths->v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

		if (fd < 0) { /* a server that is away must not take our own images along */
			log_debug("store", "%s: %s", paths->v[i], err_text(-errno));
			continue;
		}
		r = look(fd, paths->v[i]);
		if (r <= 0) {
			(void)close(fd);
			if (r < 0)
				return r;
			continue;
		}
		l->v[l->n++] = (struct shared_store){xstrdup(paths->v[i]), fd};
	}
	return 0;
}

static int list(struct store *st, const struct shared_list **ret)
{
	struct shared_list **slot = store_shared(st);
	AUTO_STRV struct strv paths = STRV_INIT;
	struct shared_list *l;
	int r;

	if (!*slot) {
		r = storage_conf_stores(&paths);
		if (r < 0)
			return r;
		l = xcalloc(1, sizeof(*l));
		r = load(l, &paths);
		if (r < 0) {
			shared_list_free(l);
			return r;
		}
		*slot = l;
	}
	*ret = *slot;
	return 0;
}

static const char *const dirs[STORE_DIR_COUNT] = {
	[STORE_LAYERS] = "layers",
	[STORE_IMAGES] = "images",
	[STORE_REFS] = "refs",
};

/* The first that has it; its root and where that is. */
static int find(struct store *st, enum store_dir d, const char *name,
		const struct shared_store **ret)
{
	AUTO_FREE char *path = path_join(dirs[d], name);
	const struct shared_list *l;
	struct stat sb;
	int r = list(st, &l);

	for (size_t i = 0; r == 0 && i < l->n; i++)
		if (fstatat(l->v[i].root, path, &sb, AT_SYMLINK_NOFOLLOW) == 0) {
			*ret = &l->v[i];
			return 0;
		}
	return r < 0 ? r : -ENOENT;
}

bool shared_any(struct store *st)
{
	const struct shared_list *l;

	if (list(st, &l) == 0)
		return l->n > 0;
	err_drop();
	return false;
}

const char *shared_where(struct store *st, enum store_dir d, const char *name)
{
	const struct shared_store *s;
	int r = find(st, d, name, &s);

	err_drop();
	return r == 0 ? s->path : NULL;
}

bool shared_has(struct store *st, enum store_dir d, const char *name)
{
	return shared_where(st, d, name) != NULL;
}

int shared_read(struct store *st, enum store_dir d, const char *path, size_t max, struct sbuf *out)
{
	AUTO_FREE char *inside = path_join(dirs[d], path);
	const struct shared_store *s;
	int r = find(st, d, path, &s);

	return r < 0 ? r : file_read_in(s->root, inside, max, out);
}

int shared_names(struct store *st, enum store_dir d, struct strv *ret)
{
	const struct shared_list *l;
	int r = list(st, &l);

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		AUTO_CLOSE int fd = open_in(l->v[i].root, dirs[d], O_RDONLY | O_DIRECTORY, 0);
		AUTO_STRV struct strv names = STRV_INIT;

		r = fd < 0 ? fd : dir_names(fd, &names);
		for (size_t k = 0; r == 0 && k < names.n; k++)
			if (names.v[k][0] != '.')
				strv_add(ret, names.v[k]);
	}
	return r;
}

/* --- meta -------------------------------------------------------------------------------------- */

void meta_put(struct sbuf *b, const struct tar_entry *e, uint64_t file)
{
	wire_put_u32(b, e->type);
	wire_put_str(b, e->path);
	wire_put_str(b, e->link ? e->link : "");
	wire_put_u32(b, e->mode);
	wire_put_u32(b, e->uid);
	wire_put_u32(b, e->gid);
	wire_put_u64(b, (uint64_t)e->mtime_s);
	wire_put_u32(b, e->mtime_ns);
	wire_put_u64(b, e->size);
	wire_put_u64(b, file);
	wire_put_u32(b, e->n_xattrs);
	for (unsigned i = 0; i < e->n_xattrs; i++) {
		wire_put_str(b, e->xattrs[i].name);
		wire_put_bytes(b, e->xattrs[i].value, e->xattrs[i].len);
	}
}

static int damaged(void)
{
	return err_new(-CE_CORRUPT, "the list of a shared layer's files");
}

/* As tar_clean_path() leaves it. */
static bool is_clean(const char *path)
{
	AUTO_FREE char *rooted = path_join("/", path), *clean = path_clean(rooted);

	return strlen(path) <= TAR_PATH_MAX && strcmp(clean + 1, path) == 0;
}

int meta_get(struct wire_reader *w, struct meta_entry *ret, struct tar_xattr *xattrs)
{
	struct tar_entry e = {0};

	if (w->left == 0 && !w->failed)
		return 0;
	e.type = (enum tar_type)wire_get_u32(w);
	e.path = wire_get_str(w);
	e.link = wire_get_str(w);
	e.mode = wire_get_u32(w);
	e.uid = wire_get_u32(w);
	e.gid = wire_get_u32(w);
	e.mtime_s = (int64_t)wire_get_u64(w);
	e.mtime_ns = wire_get_u32(w);
	e.size = wire_get_u64(w);
	ret->file = wire_get_u64(w);
	e.n_xattrs = wire_get_u32(w);
	if (w->failed || e.n_xattrs > TAR_XATTRS_MAX || e.type > TAR_FIFO || !e.path || !e.link)
		return damaged();
	for (unsigned i = 0; i < e.n_xattrs; i++) {
		const char *name = wire_get_str(w);
		const void *value = wire_get_bytes(w, &xattrs[i].len);

		if (w->failed || !name || xattrs[i].len > TAR_XATTR_MAX)
			return damaged();
		xattrs[i].name = (char *)(size_t)name;
		xattrs[i].value = (unsigned char *)(size_t)value;
	}
	e.xattrs = xattrs;
	if (!is_clean(e.path) || (e.type == TAR_HARDLINK && !is_clean(e.link)) ||
	    (e.mode & ~07777U) || e.mtime_ns >= NS_PER_S || e.size > TAR_SIZE_MAX)
		return damaged();
	ret->e = e;
	return 1;
}
