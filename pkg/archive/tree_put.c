/* SPDX-License-Identifier: MIT */
#include "pkg/archive/tree_put.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/archive/tree_tar_internal.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/copy.h"
#include "pkg/sys/open.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "pkg/sys/statx.h"
#include "pkg/sys/whiteout.h"

#define PIECE (1U << 20)
#define NEW_FILE (O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)

struct put_time {
	char *path;
	struct timespec at;
};

struct tree_put {
	struct tree_sink sink;
	int top;
	struct tree_put_options o;
	struct tree_put_result result;
	struct sbuf parent; /* path of dir */
	int dir;
	/* The file that is being written. */
	int fd;
	char *name, *temporary; /* temporary NULL: it has its name already */
	struct tar_entry file; /* without its strings */
	char *path;
	struct tar_xattr *xattrs;
	struct put_time *times;
	size_t n_times, cap_times;
	char *buf; /* PIECE bytes, from the first file on */
	struct copy_way way;
};

static int sink_entry(struct tree_sink *s, const struct tar_entry *e)
{
	return tree_put_entry((struct tree_put *)s, e);
}

static int sink_file(struct tree_sink *s, int fd);

struct tree_put *tree_put_new(int top, const struct tree_put_options *o)
{
	struct tree_put *p = xcalloc(1, sizeof(*p));

	p->sink = (struct tree_sink){sink_entry, sink_file};
	p->top = top;
	p->o = *o;
	p->parent = (struct sbuf)SBUF_INIT;
	p->dir = p->fd = -EBADF;
	return p;
}

struct tree_sink *tree_put_sink(struct tree_put *p)
{
	return &p->sink;
}

const struct tree_put_result *tree_put_result(const struct tree_put *p)
{
	return &p->result;
}

/* --- directories ------------------------------------------------------------------------------- */

static uint32_t outside(uint32_t id, const struct tree_ids *v, unsigned n, bool *ok)
{
	for (unsigned i = 0; i < n; i++)
		if (id >= v[i].inside && id - v[i].inside < v[i].count)
			return v[i].outside + (id - v[i].inside);
	*ok &= n == 0;
	return id;
}

static int owner_of(const struct tree_put *p, const struct tar_entry *e, uid_t *uid, gid_t *gid)
{
	bool ok = true;

	if (p->o.single_id) {
		*uid = *gid = 0;
		return 0;
	}
	*uid = p->o.has_owner ? p->o.uid : outside(e->uid, p->o.uids, p->o.n_uids, &ok);
	*gid = p->o.has_owner ? p->o.gid : outside(e->gid, p->o.gids, p->o.n_gids, &ok);
	return ok || p->o.has_owner
		       ? 0
		       : err_new(-CE_HOST_SETUP,
				 "'%s' belongs to %u:%u, which the destination does not have",
				 e->path, e->uid, e->gid);
}

/* A directory that no entry spoke of. */
static int make_parent(struct tree_put *p, int dir, const char *name)
{
	const struct tar_entry e = {.path = name};
	uid_t uid;
	gid_t gid;
	int fd, r;

	if (mkdirat(dir, name, 0700) < 0)
		return errno == EEXIST ? 0 : err_new(-errno, "make directory '%s'", name);
	fd = open_nofollow(dir, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	r = owner_of(p, &e, &uid, &gid);
	if (r == 0 && (fchown(fd, uid, gid) < 0 || fchmod(fd, 0755) < 0))
		r = err_new(-errno, "make directory '%s'", name);
	(void)close(fd);
	return r;
}

static int step(struct tree_put *p, int dir, const char *name, bool make)
{
	int fd = open_nofollow(dir, name, O_RDONLY | O_DIRECTORY, 0), r;

	if (fd == -ENOENT && make) {
		r = make_parent(p, dir, name);
		return r < 0 ? r : step(p, dir, name, false);
	}
	if (fd == -ENOTDIR || fd == -ELOOP)
		return err_new(
			-CE_UNSAFE,
			"'%s' is there already and is no directory, so nothing is put into it",
			name);
	return fd;
}

/* Open the directory @path (@n bytes of it) below top, one name after the other. */
static int walk(struct tree_put *p, const char *path, size_t n, bool make)
{
	AUTO_CLOSE int dir = fd_dup(p->top);
	AUTO_FREE char *copy = xstrndup(path, n);
	char *save = NULL;

	if (dir < 0)
		return err_new(dir, "open the destination");
	for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		int next = step(p, dir, name, make);

		if (next < 0)
			return next;
		(void)close(dir);
		dir = next;
	}
	return TAKE_FD(dir);
}

/* The directory that holds the last component of @path; most entries lie where the last one did. */
static int hold_parent(struct tree_put *p, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	*ret_name = slash ? slash + 1 : path;
	if (p->dir >= 0 && p->parent.len == n && memcmp(p->parent.s, path, n) == 0)
		return 0;
	closep(&p->dir);
	p->dir = walk(p, path, n, true);
	if (p->dir < 0)
		return p->dir;
	sbuf_reset(&p->parent);
	sbuf_add(&p->parent, path, n);
	return 0;
}

/* --- attributes -------------------------------------------------------------------------------- */

static mode_t mode_of(const struct tree_put *p, const struct tar_entry *e)
{
	if (p->o.single_id)
		return e->mode & 01777;
	return p->o.plain ? e->mode & (e->type == TAR_DIR ? 01777 : 0777) : e->mode;
}

static int set_xattrs(const struct tree_put *p, int fd, const struct tar_entry *e)
{
	for (unsigned i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];
		bool capability = strcmp(x->name, "security.capability") == 0;

		if (capability ? p->o.plain : !tree_attr_is_content(x->name))
			continue;
		/* As cp does it: what this file system cannot keep is left behind. */
		if (fsetxattr(fd, x->name, x->value, x->len, 0) < 0 && errno != ENOTSUP &&
		    errno != EPERM && errno != EINVAL)
			return err_new(-errno, "set attribute %s of '%s'", x->name, e->path);
	}
	return 0;
}

static int set_attributes(const struct tree_put *p, int fd, const struct tar_entry *e)
{
	const struct timespec ts[2] = {{e->mtime_s, e->mtime_ns}, {e->mtime_s, e->mtime_ns}};
	uid_t uid;
	gid_t gid;
	int r = owner_of(p, e, &uid, &gid);

	if (r < 0)
		return r;
	if (fchown(fd, uid, gid) < 0)
		return err_new(-errno, "set the owner of '%s'", e->path);
	if (fchmod(fd, mode_of(p, e)) < 0)
		return err_new(-errno, "set the mode of '%s'", e->path);
	/* Last: a change of owner or content drops file capabilities. */
	r = set_xattrs(p, fd, e);
	if (r == 0 && p->o.single_id)
		r = tree_record_owner(fd, e);
	if (r == 0 && futimens(fd, ts) < 0)
		r = err_new(-errno, "set the time of '%s'", e->path);
	return r;
}

static void remember_time(struct tree_put *p, const struct tar_entry *e)
{
	if (p->n_times == p->cap_times) {
		p->cap_times = p->cap_times ? p->cap_times * 2 : 64;
		p->times = xreallocarray(p->times, p->cap_times, sizeof(*p->times));
	}
	p->times[p->n_times++] = (struct put_time){xstrdup(e->path), {e->mtime_s, e->mtime_ns}};
}

/* --- what stands in the way -------------------------------------------------------------------- */

/* In a container that runs the kernel would take a mount away with the name under it, for it is not of our namespace. */
static int check_no_mount(const struct tree_put *p, const char *name, const char *path)
{
	return statx_is_mount_point(p->dir, name) ? err_new(-EBUSY, "replace '%s'", path) : 0;
}

/* Make room for something that is no directory. */
static int clear_for_file(struct tree_put *p, const char *name, const char *path)
{
	struct stat st;
	int r;

	if (fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "stat '%s'", path);
	r = check_no_mount(p, name, path);
	if (r < 0)
		return r;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(p->dir, name, 0) == 0 || errno == ENOENT
			       ? 0
			       : err_new(-errno, "replace '%s'", path);
	if (!p->o.overwrite)
		return err_new(-CE_UNSAFE,
			       "'%s' is a directory there and none here; --overwrite replaces it",
			       path);
	return rmtree(p->dir, name);
}

static int clear_for_dir(struct tree_put *p, const char *name, const char *path)
{
	struct stat st;
	int r;

	if (fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "stat '%s'", path);
	if (S_ISDIR(st.st_mode))
		return 0;
	r = check_no_mount(p, name, path);
	if (r < 0)
		return r;
	if (!p->o.overwrite)
		return err_new(-CE_UNSAFE,
			       "'%s' is a directory here and none there; --overwrite replaces it",
			       path);
	return unlinkat(p->dir, name, 0) == 0 ? 0 : err_new(-errno, "replace '%s'", path);
}

/* --- files ------------------------------------------------------------------------------------- */

static void keep_file(struct tree_put *p, const struct tar_entry *e, const char *name)
{
	p->file = *e;
	p->path = xstrdup(e->path);
	p->name = xstrdup(name);
	p->file.path = p->path;
	p->xattrs = xcalloc(e->n_xattrs + 1, sizeof(*p->xattrs));
	for (unsigned i = 0; i < e->n_xattrs; i++) {
		p->xattrs[i].name = xstrdup(e->xattrs[i].name);
		p->xattrs[i].value = xmalloc(e->xattrs[i].len + 1);
		memcpy(p->xattrs[i].value, e->xattrs[i].value, e->xattrs[i].len);
		p->xattrs[i].len = e->xattrs[i].len;
	}
	p->file.xattrs = p->xattrs;
}

static void forget_file(struct tree_put *p)
{
	for (unsigned i = 0; p->xattrs && i < p->file.n_xattrs; i++) {
		free(p->xattrs[i].name);
		free(p->xattrs[i].value);
	}
	free(p->xattrs);
	p->xattrs = NULL;
	freep(&p->path);
	freep(&p->name);
	freep(&p->temporary);
	closep(&p->fd);
}

static void drop_file(struct tree_put *p)
{
	if (p->fd >= 0)
		(void)unlinkat(p->dir, p->temporary ? p->temporary : p->name, 0);
	forget_file(p);
}

static int begin_file(struct tree_put *p, const char *name, const struct tar_entry *e)
{
	char aside[24] = ".cuddy-";
	struct stat st;

	if (fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
		int r = clear_for_file(p, name, e->path);

		if (r < 0)
			return r;
	}
	p->fd = openat(p->dir, name, NEW_FILE | O_CLOEXEC, 0600);
	if (p->fd < 0 && errno == EEXIST) {
		random_hex(aside + strlen(aside), 16);
		p->fd = openat(p->dir, aside, NEW_FILE | O_CLOEXEC, 0600);
		if (p->fd >= 0)
			p->temporary = xstrdup(aside);
	}
	if (p->fd < 0)
		return err_new(-errno, "make '%s'", e->path);
	keep_file(p, e, name);
	return 0;
}

/* A file that something is mounted on cannot be replaced: it gets the bytes. */
static int write_in_place(struct tree_put *p)
{
	AUTO_CLOSE int fd = openat(p->dir, p->name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return err_new(-errno, "write to '%s'", p->path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_new(-EBUSY, "replace '%s'", p->path);
	r = lseek(p->fd, 0, SEEK_SET) < 0 || ftruncate(fd, 0) < 0 ? err_new(-errno, "begin") : 0;
	if (r == 0)
		r = copy_content(NULL, p->fd, fd);
	(void)unlinkat(p->dir, p->temporary, 0);
	return r < 0 ? err_wrap(r, "write to '%s'", p->path) : 0;
}

static int end_file(struct tree_put *p)
{
	int r;

	if (p->fd < 0)
		return 0;
	r = set_attributes(p, p->fd, &p->file);
	if (r == 0 && p->temporary) {
		if (statx_is_mount_point(p->dir, p->name))
			r = write_in_place(p);
		else if (renameat(p->dir, p->temporary, p->dir, p->name) < 0)
			r = errno == EBUSY ? write_in_place(p)
					   : err_new(-errno, "replace '%s'", p->path);
	}
	if (r < 0)
		drop_file(p);
	else
		forget_file(p);
	return r;
}

int tree_put_content(struct tree_put *p, const void *b, size_t n)
{
	int r = write_full(p->fd, b, n);

	p->result.bytes += n;
	return r < 0 ? err_new(r, "write '%s'", p->path) : 0;
}

/* Shared blocks where the file system can, else as many bytes as the entry says. */
static int sink_file(struct tree_sink *s, int fd)
{
	struct tree_put *p = (struct tree_put *)s;
	uint64_t left = p->file.size;
	struct stat st;

	if (left && copy_share(&p->way, fd, p->fd)) {
		p->result.bytes += left;
		return fstat(p->fd, &st) == 0 && (uint64_t)st.st_size != left;
	}
	if (!p->buf)
		p->buf = xmalloc(PIECE);
	while (left) {
		ssize_t n = read(fd, p->buf, left < PIECE ? (size_t)left : PIECE);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_new(-errno, "read '%s'", p->path);
		if (n == 0)
			return 1;
		r = tree_put_content(p, p->buf, (size_t)n);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return 0;
}

/* --- the other kinds --------------------------------------------------------------------------- */

static int put_top(struct tree_put *p, const struct tar_entry *e)
{
	if (e->type != TAR_DIR)
		return err_new(-CE_UNSAFE, "an entry without a name is no directory");
	remember_time(p, e);
	return set_attributes(p, p->top, e);
}

static int put_dir(struct tree_put *p, const char *name, const struct tar_entry *e)
{
	AUTO_CLOSE int fd = -EBADF;
	int r = clear_for_dir(p, name, e->path);

	if (r < 0)
		return r;
	if (mkdirat(p->dir, name, 0700) < 0 && errno != EEXIST)
		return err_new(-errno, "make directory '%s'", e->path);
	fd = step(p, p->dir, name, false);
	if (fd < 0)
		return fd;
	remember_time(p, e);
	return set_attributes(p, fd, e);
}

static int put_link(struct tree_put *p, const char *name, const struct tar_entry *e)
{
	const char *slash = strrchr(e->link, '/'), *target = slash ? slash + 1 : e->link;
	AUTO_CLOSE int dir = walk(p, e->link, slash ? (size_t)(slash - e->link) : 0, false);
	int r;

	if (dir < 0)
		return err_wrap(dir, "hard link '%s'", e->path);
	r = clear_for_file(p, name, e->path);
	if (r < 0)
		return r;
	return linkat(dir, target, p->dir, name, 0) < 0
		       ? err_new(-errno, "link '%s' to '%s'", e->path, e->link)
		       : 0;
}

static int put_marker(struct tree_put *p, const char *name, const struct tar_entry *e)
{
	if (p->o.file_marks)
		return mknodat(p->dir, name, S_IFREG, 0) < 0 ? err_new(-errno, "mark '%s'", e->path)
							     : 0;
	if (strcmp(name, WHITEOUT_OPAQUE) == 0)
		return fsetxattr(p->dir, OPAQUE_XATTR, "y", 1, 0) < 0
			       ? err_new(-errno, "mark '%s'", e->path)
			       : 0;
	return mknodat(p->dir, name + strlen(WHITEOUT), S_IFCHR, 0) < 0
		       ? err_new(-errno, "mark '%s'", e->path)
		       : 0;
}

static int put_special(struct tree_put *p, const char *name, const struct tar_entry *e)
{
	const struct timespec ts[2] = {{e->mtime_s, e->mtime_ns}, {e->mtime_s, e->mtime_ns}};
	uid_t uid;
	gid_t gid;
	int r;

	if (e->type == TAR_CHAR || e->type == TAR_BLOCK) {
		p->result.devices++;
		return 0;
	}
	r = clear_for_file(p, name, e->path);
	if (r == 0)
		r = owner_of(p, e, &uid, &gid);
	if (r < 0)
		return r;
	if (e->type == TAR_SYMLINK) {
		r = symlinkat(e->link, p->dir, name);
	} else {
		/* Its mode must be right at once: changed by name it might be another's. */
		mode_t old = umask(0);

		r = mknodat(p->dir, name, S_IFIFO | (e->mode & 0777), 0);
		(void)umask(old);
	}
	if (r < 0 || fchownat(p->dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(p->dir, name, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "make '%s'", e->path);
	return 0;
}

int tree_put_entry(struct tree_put *p, const struct tar_entry *e)
{
	const char *name = NULL;
	int r = end_file(p);

	if (r == 0 && !*e->path)
		return put_top(p, e);
	if (r == 0)
		r = hold_parent(p, e->path, &name);
	if (r < 0)
		return r;
	if (p->o.overlay && strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0)
		return put_marker(p, name, e);
	switch (e->type) {
	case TAR_FILE:
		return begin_file(p, name, e);
	case TAR_DIR:
		return put_dir(p, name, e);
	case TAR_HARDLINK:
		return put_link(p, name, e);
	default:
		return put_special(p, name, e);
	}
}

int tree_put_end(struct tree_put *p)
{
	int r = end_file(p);

	for (size_t i = p->n_times; r == 0 && i > 0; i--) {
		const struct put_time *t = &p->times[i - 1];
		const struct timespec ts[2] = {t->at, t->at};
		int fd = walk(p, t->path, strlen(t->path), false);

		if (fd < 0) {
			err_drop(); /* taken away meanwhile */
			continue;
		}
		if (futimens(fd, ts) < 0)
			r = err_new(-errno, "set the time of '%s'", t->path);
		(void)close(fd);
	}
	return r;
}

void tree_put_free(struct tree_put *p)
{
	if (!p)
		return;
	drop_file(p);
	closep(&p->dir);
	for (size_t i = 0; i < p->n_times; i++)
		free(p->times[i].path);
	free(p->times);
	free(p->buf);
	sbuf_done(&p->parent);
	free(p);
}

void tree_put_freep(struct tree_put **p)
{
	tree_put_free(*p);
	*p = NULL;
}
