/* SPDX-License-Identifier: MIT */
#include "pkg/archive/tree_tar.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pkg/archive/tree_tar_internal.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/inode_map.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"
#include "pkg/sys/overlay_data.h"
#include "pkg/sys/whiteout.h"

#define NOBODY 65534U
#define GATHERED_MAX (4 << 20)

struct tree_tar {
	struct tree_sink *sink;
	struct tree_tar_options o;
	struct tree_tar_result result;
	struct inode_map links; /* the path each was written as */
	struct tree_attrs attrs;
	struct sbuf path;
	unsigned depth;
};

struct tree_tar *tree_tar_new(struct tree_sink *s, const struct tree_tar_options *o)
{
	struct tree_tar *t = xcalloc(1, sizeof(*t));

	t->sink = s;
	if (o)
		t->o = *o;
	t->path = (struct sbuf)SBUF_INIT;
	return t;
}

void tree_tar_free(struct tree_tar *t)
{
	if (!t)
		return;
	inode_map_done(&t->links, free);
	tree_attrs_done(&t->attrs);
	sbuf_done(&t->path);
	free(t);
}

void tree_tar_freep(struct tree_tar **t)
{
	tree_tar_free(*t);
	*t = NULL;
}

const struct tree_tar_result *tree_tar_result(const struct tree_tar *t)
{
	return &t->result;
}

/* --- hard links -------------------------------------------------------------------------------- */

/* The path this inode was written as before, or NULL, and it is remembered. */
static const char *first_name(struct tree_tar *t, const struct stat *st)
{
	void **path;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return NULL;
	path = inode_map_at(&t->links, st->st_dev, st->st_ino);
	if (*path)
		return *path;
	*path = xstrdup(t->path.s);
	return NULL;
}

/* --- one entry --------------------------------------------------------------------------------- */

static uint32_t inside(uint32_t id, const struct tree_ids *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (id >= v[i].outside && id - v[i].outside < v[i].count)
			return v[i].inside + (id - v[i].outside);
	return n ? NOBODY : id;
}

static void describe(struct tree_tar *t, const struct stat *st, struct tar_entry *e)
{
	const struct tree_attrs *a = &t->attrs;

	e->path = t->path.s;
	e->mode = st->st_mode & 07777;
	e->uid = inside(st->st_uid, t->o.uids, t->o.n_uids);
	e->gid = inside(st->st_gid, t->o.gids, t->o.n_gids);
	if (t->o.single_id && a->has_owner) {
		e->uid = a->uid;
		e->gid = a->gid;
		e->mode = a->mode;
	}
	e->mtime_s = st->st_mtim.tv_sec;
	e->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
	e->xattrs = a->v;
	e->n_xattrs = a->n;
}

static int put_entry(struct tree_tar *t, const struct tar_entry *e)
{
	t->result.entries++;
	return t->sink->entry(t->sink, e);
}

static int put_marker(struct tree_tar *t, const char *name)
{
	AUTO_SBUF struct sbuf path = SBUF_INIT;
	struct tar_entry e = {.type = TAR_FILE};
	const char *slash = strrchr(t->path.s, '/');

	if (strcmp(name, WHITEOUT_OPAQUE) == 0) /* in the directory that path is */
		sbuf_addf(&path, "%s%s%s", t->path.s, t->path.len ? "/" : "", name);
	else /* beside what path is */
		sbuf_addf(&path, "%.*s" WHITEOUT "%s", slash ? (int)(slash + 1 - t->path.s) : 0,
			  t->path.s, name);
	e.path = path.s;
	return put_entry(t, &e);
}

/* As another name of what was written before. */
static int put_link(struct tree_tar *t, const struct stat *st, const char *first)
{
	struct tar_entry e = {0};

	describe(t, st, &e);
	e.type = TAR_HARDLINK;
	e.link = first;
	e.n_xattrs = 0;
	return put_entry(t, &e);
}

/* With @live: 0, it is left out. @r comes back otherwise. */
static int leave_out(struct tree_tar *t, int r)
{
	if (!t->o.live || (r != -EACCES && r != -EPERM && r != -ESRCH))
		return r;
	err_drop();
	t->result.unreadable++;
	return 0;
}

static bool is_of_procfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Its length is 0 to stat(), and only the reading tells. -EACCES (no trail): it has no end, or no beginning. */
static int gather(int fd, struct stat *st)
{
	AUTO_CLOSE int copy = memfd_create("cuddy-procfs", MFD_CLOEXEC);
	char buf[4096];

	for (st->st_size = 0; copy >= 0 && st->st_size < GATHERED_MAX;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (n == 0)
			return lseek(copy, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(copy);
		if (write_full(copy, buf, (size_t)n) < 0)
			break;
		st->st_size += n;
	}
	return -EACCES;
}

static int put_file(struct tree_tar *t, int dir, const char *name)
{
	AUTO_CLOSE int fd = openat(dir, name,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	AUTO_CLOSE int content = -EBADF;
	struct tar_entry e = {0};
	const char *first;
	struct stat st;
	int r;

	/* It was a regular file a moment ago; if it is none now, somebody is at work here. */
	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO)) {
		t->result.changed++;
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return leave_out(t, err_new(-errno, "open '%s'", t->path.s));
	if (!S_ISREG(st.st_mode)) {
		t->result.changed++;
		return 0;
	}
	r = tree_attrs_read(&t->attrs, fd, t->path.s);
	if (r < 0)
		return leave_out(t, r);
	if (t->o.live && st.st_size == 0 && is_of_procfs(fd)) {
		content = gather(fd, &st);
		if (content < 0)
			return leave_out(t, content);
	}
	if (t->o.overlay && t->attrs.whiteout && st.st_size == 0)
		return put_marker(t, name);
	first = first_name(t, &st);
	if (first)
		return put_link(t, &st, first);
	describe(t, &st, &e);
	e.type = TAR_FILE;
	e.size = (uint64_t)st.st_size;
	r = put_entry(t, &e);
	if (content < 0)
		content = r == 0 && t->o.data > 0 ? overlay_data_open(fd, t->o.data) : -ENOENT;
	if (content < 0 && content != -ENOENT)
		return content;
	if (r == 0)
		r = t->sink->file(t->sink, content < 0 ? fd : content);
	t->result.bytes += e.size;
	t->result.changed += r > 0;
	return r < 0 ? r : 0;
}

static int put_symlink(struct tree_tar *t, int dir, const char *name, const struct stat *st)
{
	char target[TAR_PATH_MAX + 1];
	struct tar_entry e = {0};
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n < 0 && (errno == ENOENT || errno == EINVAL)) {
		t->result.changed++;
		return 0;
	}
	if (n < 0)
		return leave_out(t, err_new(-errno, "read the link '%s'", t->path.s));
	if (n > TAR_PATH_MAX)
		return err_new(-CE_LIMIT, "'%s': a link longer than %d bytes", t->path.s,
			       TAR_PATH_MAX);
	target[n] = '\0';
	tree_attrs_reset(&t->attrs);
	describe(t, st, &e);
	e.type = TAR_SYMLINK;
	e.link = target;
	return put_entry(t, &e);
}

static int put_special(struct tree_tar *t, const char *name, const struct stat *st)
{
	struct tar_entry e = {0};

	if (S_ISSOCK(st->st_mode)) {
		t->result.sockets++;
		return 0;
	}
	if (S_ISCHR(st->st_mode) && st->st_rdev == 0)
		return t->o.overlay ? put_marker(t, name) : 0;
	tree_attrs_reset(&t->attrs);
	describe(t, st, &e);
	e.type = S_ISFIFO(st->st_mode) ? TAR_FIFO : S_ISCHR(st->st_mode) ? TAR_CHAR : TAR_BLOCK;
	e.major = major(st->st_rdev);
	e.minor = minor(st->st_rdev);
	return put_entry(t, &e);
}

/* --- directories ------------------------------------------------------------------------------- */

static int put_name(struct tree_tar *t, int dir, const char *name);

static bool is_implied(const struct tree_tar *t)
{
	const char *key = t->path.len ? t->path.s : ".";
	size_t low = 0, high = t->o.implied ? t->o.implied->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(t->o.implied->v[mid], key);

		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* A name that says something of another one, in the tree or in an archive. */
static bool is_marker(const char *name)
{
	return strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0;
}

/* A mark stands where the name does that it speaks of, as overlay's own have it. */
static int by_victim(const void *pa, const void *pb)
{
	const char *a = *(char *const *)pa, *b = *(char *const *)pb;
	const char *va = whiteout_names(a), *vb = whiteout_names(b);
	int c = strcmp(va ? va : a, vb ? vb : b);

	return c ? c : (va ? 0 : 1) - (vb ? 0 : 1);
}

static bool is_told(const struct tree_tar *t)
{
	return !t->o.only || strv_has_sorted(t->o.only, t->path.s);
}

/* 0: @name is left out. */
static int put_file_mark(struct tree_tar *t, const char *name)
{
	const char *victim = whiteout_names(name);

	/* An opaque directory said so before. fuse-overlayfs leaves the second name in such ones, too. */
	if (strncmp(name, WHITEOUT_META, strlen(WHITEOUT_META)) == 0 ||
	    strcmp(name, WHITEOUT ".opq") == 0)
		return 0;
	if (!victim) {
		t->result.unnameable++;
		return 0;
	}
	return put_marker(t, victim);
}

static int put_child(struct tree_tar *t, int fd, const char *name)
{
	if (is_marker(name) && t->o.file_marks)
		return put_file_mark(t, name);
	if (is_marker(name) && (t->o.overlay || t->o.hide_markers)) {
		t->result.unnameable += !t->o.hide_markers;
		return 0;
	}
	return is_told(t) ? put_name(t, fd, name) : 0;
}

static int put_children(struct tree_tar *t, int fd)
{
	AUTO_STRV struct strv names = STRV_INIT;
	size_t len = t->path.len;
	int r = dir_names(fd, &names);

	if (r < 0)
		return leave_out(t, err_wrap(r, "'%s'", t->path.s));
	if (names.n && t->o.file_marks)
		qsort(names.v, names.n, sizeof(*names.v), by_victim);
	else
		strv_sort(&names);
	if (++t->depth > TAR_DEPTH_MAX)
		r = err_new(-CE_LIMIT, "directories nested deeper than %d", TAR_DEPTH_MAX);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (len)
			sbuf_addc(&t->path, '/');
		sbuf_adds(&t->path, names.v[i]);
		if (t->path.len > TAR_PATH_MAX)
			r = err_new(-CE_LIMIT, "'%.64s…': a path longer than %d bytes", t->path.s,
				    TAR_PATH_MAX);
		else
			r = put_child(t, fd, names.v[i]);
		t->path.len = len;
		t->path.s[len] = '\0';
	}
	t->depth--;
	return r;
}

static int put_dir(struct tree_tar *t, int dir, const char *name)
{
	AUTO_CLOSE int fd = open_nofollow(dir, name, O_RDONLY | O_DIRECTORY, 0);
	struct stat st;
	struct tar_entry e = {0};
	bool opaque;
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP) {
		err_drop();
		t->result.changed++;
		return 0;
	}
	if (fd < 0)
		return leave_out(t, fd);
	if (fstat(fd, &st) < 0)
		return err_new(-errno, "stat '%s'", t->path.s);
	r = tree_attrs_read(&t->attrs, fd, t->path.s);
	if (r < 0)
		return leave_out(t, r);
	opaque = t->o.overlay && (t->attrs.opaque || (t->o.file_marks && whiteout_is_opaque(fd)));
	if (!is_implied(t)) {
		describe(t, &st, &e);
		e.type = TAR_DIR;
		r = put_entry(t, &e);
	}
	if (r == 0 && opaque)
		r = put_marker(t, WHITEOUT_OPAQUE);
	if (r == 0)
		r = strcmp(name, ".") == 0 ? 1 : tree_enters(dir, fd, t->o.cross_mounts);
	return r == 1 ? put_children(t, fd) : r;
}

static int put_name(struct tree_tar *t, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT && errno != ESRCH)
			return leave_out(t, err_new(-errno, "stat '%s'", t->path.s));
		t->result.changed++;
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return put_dir(t, dir, name);
	if (S_ISREG(st.st_mode))
		return put_file(t, dir, name);
	if (!(S_ISCHR(st.st_mode) && st.st_rdev == 0)) {
		const char *first = first_name(t, &st);

		tree_attrs_reset(&t->attrs);
		if (first)
			return put_link(t, &st, first);
	}
	return S_ISLNK(st.st_mode) ? put_symlink(t, dir, name, &st) : put_special(t, name, &st);
}

int tree_tar_add(struct tree_tar *t, int dir, const char *name, const char *path)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "%s", *path ? path : name);
	sbuf_reset(&t->path);
	sbuf_adds(&t->path, path);
	return put_name(t, dir, name);
}

struct writer_sink {
	struct tree_sink base;
	struct tar_writer *w;
};

static int write_entry(struct tree_sink *s, const struct tar_entry *e)
{
	return tar_write_entry(((struct writer_sink *)s)->w, e);
}

static int write_file(struct tree_sink *s, int fd)
{
	return tar_write_file(((struct writer_sink *)s)->w, fd);
}

int tree_tar_add_all(const struct tree_tar_source *v, size_t n, struct out *out,
		     const struct tar_write_options *w, const struct tree_tar_options *o,
		     struct tree_tar_result *ret)
{
	AUTO(tar_writer_freep) struct tar_writer *writer = tar_writer_new(out, w);
	struct writer_sink sink = {{write_entry, write_file}, writer};
	AUTO(tree_tar_freep) struct tree_tar *t = tree_tar_new(&sink.base, o);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = tree_tar_add(t, v[i].dir, v[i].name, v[i].path);
	if (r == 0)
		r = tar_write_end(writer);
	if (r == 0)
		r = out_finish(out);
	*ret = t->result;
	return r;
}

int tree_tar(int root, struct out *out, const struct tar_write_options *w,
	     const struct tree_tar_options *o, struct tree_tar_result *ret)
{
	const struct tree_tar_source all = {root, ".", ""};

	return tree_tar_add_all(&all, 1, out, w, o, ret);
}
