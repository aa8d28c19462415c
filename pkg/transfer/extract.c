/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/extract.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/transfer/extract_internal.h"

#define ENTRIES_MAX 2000000
#define SPACE_CHECK (64ULL << 20)
#define SPACE_FLOOR (16ULL << 20)
#define LINK_BYTES_MAX (64U << 20)
#define MARK_BYTES_MAX (256U << 20)

void extract_init(struct extract *x, int root_fd, const struct extract_options *o)
{
	*x = (struct extract){.o = *o, .last_parent = SBUF_INIT, .rest = SBUF_INIT};
	if (!x->o.max_entries)
		x->o.max_entries = ENTRIES_MAX;
	dirtree_init(&x->dirs, root_fd);
}

void extract_done(struct extract *x)
{
	dirtree_done(&x->dirs);
	strv_done(&x->links);
	strv_done(&x->marks);
	strv_done(&x->notes);
	sbuf_done(&x->last_parent);
	sbuf_done(&x->rest);
}

/* The directory of the entry; most entries lie where the one before did. */
static int parent_of(struct extract *x, const char *path, const char *base, uint32_t *ret)
{
	size_t n = base > path ? (size_t)(base - path - 1) : 0;
	int r;

	if (x->has_last && x->last_parent.len == n && memcmp(x->last_parent.s, path, n) == 0) {
		*ret = x->last_node;
		return 0;
	}
	sbuf_reset(&x->last_parent);
	sbuf_add(&x->last_parent, path, n);
	r = extract_walk(x, x->last_parent.s, true, ret);
	x->has_last = r == 0;
	x->last_node = *ret;
	return r < 0 ? err_wrap(r, "'%s'", path) : 0;
}

/* --- files ------------------------------------------------------------------------------------- */

static int check_space(struct extract *x, int fd, size_t n)
{
	struct statvfs v;

	x->since_check += n;
	if (x->since_check < SPACE_CHECK)
		return 0;
	x->since_check = 0;
	if (fstatvfs(fd, &v) == 0 && v.f_bavail * v.f_frsize < SPACE_FLOOR)
		return err_new(-ENOSPC, "less than 16 MiB are left");
	return 0;
}

static void tell_recipe(struct extract *x, uint32_t parent, const char *name, uint64_t size)
{
	AUTO_SBUF struct sbuf path = SBUF_INIT;

	if (!x->recipe)
		return;
	extract_place(x, parent, name, &path);
	recipe_file(x->recipe, path.s, size);
}

static int write_content(struct extract *x, int fd, const struct tar_entry *e)
{
	const unsigned char *p;
	ssize_t got;

	while ((got = tar_content(x->tar, &p)) > 0) {
		int r = write_full(fd, p, (size_t)got);

		if (r < 0)
			return err_new(r, "write '%s'", e->path);
		r = check_space(x, fd, (size_t)got);
		if (r < 0)
			return r;
	}
	x->tree_bytes += e->size;
	return (int)got;
}

static int make_file(struct extract *x, uint32_t parent, const char *name,
		     const struct tar_entry *e)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int dir = dirtree_fd(&x->dirs, parent), r;
	AUTO_CLOSE int fd = -EBADF;
	bool whiteout;

	if (dir < 0)
		return dir;
	fd = openat(dir, name, flags, e->mode & 0777);
	if (fd < 0 && errno == EEXIST) {
		r = extract_clear(x, parent, name, &whiteout);
		if (r < 0)
			return r;
		fd = openat(dir, name, flags, e->mode & 0777);
	}
	if (fd < 0)
		return err_new(-errno, "make '%s'", e->path);
	if (e->size)
		tell_recipe(x, parent, name, e->size);
	r = e->size ? write_content(x, fd, e) : 0;
	return r < 0 ? r : extract_meta_fd(x, fd, e, &x->dirs.v[parent]);
}

/* --- everything else --------------------------------------------------------------------------- */

static int make_dir(struct extract *x, uint32_t parent, const char *name, const struct tar_entry *e)
{
	uint32_t node = dirtree_child(&x->dirs, parent, name);
	bool fresh = node == DIR_NONE;
	int r = 0;

	if (fresh)
		r = extract_make_dir(x, parent, name, e->mode, &node);
	return r < 0 ? r : extract_meta_dir(x, node, e, fresh);
}

static int make_special(int dir, const char *name, const struct tar_entry *e)
{
	if (e->type == TAR_SYMLINK)
		return symlinkat(e->link, dir, name) < 0 ? -errno : 0;
	return mknodat(dir, name, S_IFIFO | (e->mode & 0777), 0) < 0 ? -errno : 0;
}

static int make_link_or_fifo(struct extract *x, uint32_t parent, const char *name,
			     const struct tar_entry *e)
{
	int dir = dirtree_fd(&x->dirs, parent), r;
	bool whiteout;

	if (dir < 0)
		return dir;
	r = make_special(dir, name, e);
	if (r == -EEXIST) {
		r = extract_clear(x, parent, name, &whiteout);
		if (r < 0)
			return r;
		r = make_special(dir, name, e);
	}
	if (r < 0)
		return err_new(r, "make '%s'", e->path);
	return extract_meta_at(x, dir, name, e, &x->dirs.v[parent]);
}

/* The target lies in a lower layer, if anywhere: the caller copies it in (S18). */
static int defer_link(struct extract *x, uint32_t parent, const char *name,
		      const struct tar_entry *e)
{
	AUTO_SBUF struct sbuf path = SBUF_INIT;
	bool whiteout;
	int dir = dirtree_fd(&x->dirs, parent), r = 0;
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		r = extract_clear(x, parent, name, &whiteout);
	if (r < 0)
		return r;
	extract_place(x, parent, name, &path);
	x->link_bytes += path.len + strlen(e->link);
	if (x->link_bytes > LINK_BYTES_MAX)
		return err_new(-CE_LIMIT, "too many hard links into lower layers");
	strv_add(&x->links, path.s);
	strv_add(&x->links, e->link);
	return 0;
}

static int make_hard_link(struct extract *x, uint32_t parent, const char *name,
			  const struct tar_entry *e)
{
	const char *slash = strrchr(e->link, '/'), *target = slash ? slash + 1 : e->link;
	AUTO_SBUF struct sbuf head = SBUF_INIT;
	uint32_t from = DIR_ROOT;
	int dir, from_fd, r;
	struct stat st;
	bool whiteout;

	sbuf_add(&head, e->link, slash ? (size_t)(slash - e->link) : 0);
	r = extract_walk(x, head.s, false, &from);
	if (r == -ENOENT)
		return defer_link(x, parent, name, e);
	if (r < 0)
		return r;
	if (!*target || (from == parent && strcmp(target, name) == 0))
		return err_new(-CE_BAD_FORMAT, "'%s' is a hard link to itself", e->path);
	/* Both stay open: DIR_FDS is far above two. */
	from_fd = dirtree_fd(&x->dirs, from);
	dir = dirtree_fd(&x->dirs, parent);
	if (from_fd < 0 || dir < 0)
		return from_fd < 0 ? from_fd : dir;
	if (fstatat(from_fd, target, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? defer_link(x, parent, name, e)
				       : err_new(-errno, "hard link '%s'", e->path);
	if (S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode))
		return err_new(-CE_BAD_FORMAT, "'%s' is a hard link to '%s', which is not a file",
			       e->path, e->link);
	r = linkat(from_fd, target, dir, name, 0) < 0 ? -errno : 0;
	if (r == -EEXIST) {
		r = extract_clear(x, parent, name, &whiteout);
		if (r < 0)
			return r;
		r = linkat(from_fd, target, dir, name, 0) < 0 ? -errno : 0;
	}
	return r < 0 ? err_new(r, "hard link '%s' to '%s'", e->path, e->link) : 0;
}

static int device(struct extract *x, const struct tar_entry *e)
{
	if (e->type == TAR_CHAR && e->major == 0 && e->minor == 0)
		return err_new(-CE_BAD_FORMAT, "'%s' is a device 0:0, a whiteout in disguise",
			       e->path);
	extract_note(x, e->path, "device left out");
	return 0;
}

/* --- whiteouts --------------------------------------------------------------------------------- */

/* A mark must not stand beside what it deletes: which of them there are to be is known at the end. */
static int defer_mark(struct extract *x, uint32_t parent, const char *victim)
{
	x->mark_bytes += strlen(victim) + 16;
	if (x->mark_bytes > MARK_BYTES_MAX)
		return err_new(-CE_LIMIT, "too many whiteouts");
	strv_addf(&x->marks, "%u/%s", parent, victim);
	return 0;
}

static int make_mark(struct extract *x, const char *text)
{
	uint32_t parent = (uint32_t)strtoul(text, NULL, 10), node;
	const char *victim = strchr(text, '/') + 1;
	AUTO_FREE char *mark = xasprintf(WHITEOUT "%s", victim);
	struct stat st;
	int dir;

	if (x->dirs.v[parent].dead)
		return 0;
	node = dirtree_child(&x->dirs, parent, victim);
	if (node != DIR_NONE)
		return extract_set_opaque(x, node);
	dir = dirtree_fd(&x->dirs, parent);
	if (dir < 0)
		return dir;
	if (fstatat(dir, victim, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return mknodat(dir, mark, S_IFREG, 0) < 0 && errno != EEXIST
		       ? err_new(-errno, "whiteout of '%s'", victim)
		       : 0;
}

static int make_marks(struct extract *x)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->marks.n; i++)
		r = make_mark(x, x->marks.v[i]);
	return r;
}

static int whiteout(struct extract *x, const struct tar_entry *e, const char *base)
{
	const char *victim = base + strlen(WHITEOUT);
	uint32_t parent, node;
	int dir, r;

	if (strncmp(base, WHITEOUT_META, strlen(WHITEOUT_META)) == 0 &&
	    strcmp(base, WHITEOUT_OPAQUE) != 0)
		return 0; /* bookkeeping of aufs */
	if (!*victim || strcmp(victim, ".") == 0 || strcmp(victim, "..") == 0)
		return err_new(-CE_BAD_FORMAT, "'%s' is not a whiteout", e->path);
	r = parent_of(x, e->path, base, &parent);
	if (r < 0)
		return r;
	if (strcmp(base, WHITEOUT_OPAQUE) == 0)
		return extract_set_opaque(x, parent);
	/* Only lower layers are meant, whatever the order: what this layer has stays (F5). */
	node = dirtree_child(&x->dirs, parent, victim);
	if (node != DIR_NONE)
		return extract_set_opaque(x, node);
	if (x->o.file_marks)
		return defer_mark(x, parent, victim);
	dir = dirtree_fd(&x->dirs, parent);
	if (dir < 0)
		return dir;
	if (mknodat(dir, victim, S_IFCHR, 0) < 0 && errno != EEXIST)
		return err_new(-errno, "whiteout '%s'", e->path);
	return 0;
}

/* -1: none; 0: the last component; 1: a directory on the way. */
static int whiteout_in(const char *path, const char *base)
{
	const char *p = strncmp(path, WHITEOUT, 4) == 0 ? path : strstr(path, "/" WHITEOUT);

	if (!p)
		return -1;
	return (*p == '/' ? p + 1 : p) == base ? 0 : 1;
}

/* --- one entry --------------------------------------------------------------------------------- */

static int extract_root(struct extract *x, const struct tar_entry *e)
{
	if (e->type != TAR_DIR)
		return err_new(-CE_BAD_FORMAT, "the root of the tree is not a directory");
	return extract_meta_dir(x, DIR_ROOT, e, false);
}

static int extract_entry(struct extract *x, const struct tar_entry *e)
{
	const char *slash = strrchr(e->path, '/'), *base = slash ? slash + 1 : e->path;
	uint32_t parent = DIR_ROOT;
	int r = extract_count(x);

	x->entries++;
	if (r < 0)
		return r;
	if (!*base)
		return extract_root(x, e);
	switch (whiteout_in(e->path, base)) {
	case 0:
		return whiteout(x, e, base);
	case 1:
		if (strncmp(e->path, WHITEOUT_META, 8) == 0 || strstr(e->path, "/" WHITEOUT_META))
			return 0;
		return err_new(-CE_BAD_FORMAT, "'%s': a whiteout cannot hold anything", e->path);
	default:
		break;
	}
	if (e->type == TAR_CHAR || e->type == TAR_BLOCK)
		return device(x, e);
	r = parent_of(x, e->path, base, &parent);
	if (r < 0)
		return r;
	switch (e->type) {
	case TAR_FILE:
		return make_file(x, parent, base, e);
	case TAR_DIR:
		return make_dir(x, parent, base, e);
	case TAR_HARDLINK:
		return make_hard_link(x, parent, base, e);
	default:
		return make_link_or_fifo(x, parent, base, e);
	}
}

static int set_dir_times(struct extract *x)
{
	for (uint32_t i = 0; i < x->dirs.n; i++) {
		const struct dir_node *d = &x->dirs.v[i];
		struct timespec ts[2] = {d->mtime, d->mtime};
		int dir, r;

		if (d->dead || !d->has_time)
			continue;
		if (i == DIR_ROOT) {
			r = futimens(d->fd, ts);
		} else {
			dir = dirtree_fd(&x->dirs, d->parent);
			if (dir < 0)
				return dir;
			r = utimensat(dir, dirtree_name(&x->dirs, i), ts, AT_SYMLINK_NOFOLLOW);
		}
		if (r < 0)
			return err_new(-errno, "set the time of directory %s",
				       dirtree_name(&x->dirs, i));
	}
	return 0;
}

int extract_all(struct extract *x, struct tar *t)
{
	int root = x->dirs.v[DIR_ROOT].fd;
	struct tar_entry e;
	int r;

	/* The stage may have got a group, a mode or default ACLs from where it lies. */
	if (fchmod(root, 0755) < 0)
		return err_new(-errno, "set the mode of the root");
	(void)fremovexattr(root, "system.posix_acl_default");
	(void)fremovexattr(root, "system.posix_acl_access");
	x->tar = t;
	while ((r = tar_next(t, &e)) > 0) {
		r = extract_entry(x, &e);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = tar_drain(t);
	if (r == 0)
		r = make_marks(x);
	return r < 0 ? r : set_dir_times(x);
}

void extract_implied(const struct extract *x, struct strv *ret)
{
	for (uint32_t i = 0; i < x->dirs.n; i++) {
		AUTO_SBUF struct sbuf path = SBUF_INIT;

		if (x->dirs.v[i].dead || x->dirs.v[i].listed)
			continue;
		dirtree_path(&x->dirs, i, &path);
		strv_add(ret, path.s);
	}
}
