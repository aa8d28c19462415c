/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/names.h"
#include "pkg/sys/rmtree.h"
#include "pkg/transfer/extract_internal.h"

#define LINKS_MAX 40
#define REST_MAX (64U << 10)
#define NOTES_MAX 32

void extract_note(struct extract *x, const char *path, const char *what)
{
	if (x->notes.n < NOTES_MAX)
		strv_addf(&x->notes, "%s: %s", path, what);
}

int extract_count(struct extract *x)
{
	if (++x->made > x->o.max_entries)
		return err_new(-CE_LIMIT, "the archive has more than %llu entries",
			       (unsigned long long)x->o.max_entries);
	return 0;
}

int extract_set_opaque(struct extract *x, uint32_t node)
{
	int fd = dirtree_fd(&x->dirs, node);

	if (fd < 0)
		return fd;
	if (x->o.file_marks) {
		if (mknodat(fd, WHITEOUT_OPAQUE, S_IFREG, 0) < 0 && errno != EEXIST)
			return err_new(-errno, "mark directory '%s' opaque",
				       dirtree_name(&x->dirs, node));
		return 0;
	}
	if (fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) < 0)
		return err_new(-errno, "mark directory '%s' opaque", dirtree_name(&x->dirs, node));
	return 0;
}

void extract_place(const struct extract *x, uint32_t parent, const char *name, struct sbuf *ret)
{
	if (parent != DIR_ROOT) {
		dirtree_path(&x->dirs, parent, ret);
		sbuf_addc(ret, '/');
	}
	sbuf_adds(ret, name);
}

/* The recipe speaks of contents that go now: with @depth directories above them. */
static void tell_lost(struct extract *x, int dir, const char *name, const char *path,
		      unsigned depth)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int fd = -EBADF;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || depth > TAR_DEPTH_MAX) {
		recipe_void(x->recipe);
		return;
	}
	if (!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_size == 0))
		return;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		recipe_void(x->recipe);
	else if (S_ISREG(st.st_mode))
		recipe_lost(x->recipe, path, fd, (uint64_t)st.st_size);
	else if (dir_names(fd, &names) < 0)
		recipe_void(x->recipe);
	err_drop();
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *below = path_join(path, names.v[i]);

		tell_lost(x, fd, names.v[i], below, depth + 1);
	}
}

/* Remove what stands at @name; a directory with all it holds. Links to anything below are stale then. */
int extract_clear(struct extract *x, uint32_t parent, const char *name, bool *ret_whiteout)
{
	uint32_t node = dirtree_child(&x->dirs, parent, name);
	int fd = dirtree_fd(&x->dirs, parent);
	AUTO_SBUF struct sbuf path = SBUF_INIT;
	struct stat st;

	x->has_last = false;
	*ret_whiteout = false;
	if (fd < 0)
		return fd;
	extract_place(x, parent, name, &path);
	if (x->recipe)
		tell_lost(x, fd, name, path.s, 0);
	if (node != DIR_NONE) {
		dirtree_remove(&x->dirs, node);
		return rmtree(fd, name);
	}
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "look at %s", name);
	*ret_whiteout = whiteout_is(&st);
	if (unlinkat(fd, name, 0) < 0)
		return err_new(-errno, "replace %s", name);
	return 0;
}

int extract_make_dir(struct extract *x, uint32_t parent, const char *name, mode_t mode,
		     uint32_t *ret)
{
	const struct dir_node *p;
	int fd = dirtree_fd(&x->dirs, parent), r;
	bool whiteout = false, inherits;

	if (fd < 0)
		return fd;
	if (mkdirat(fd, name, mode & 01777) < 0) {
		if (errno != EEXIST)
			return err_new(-errno, "make directory %s", name);
		r = extract_clear(x, parent, name, &whiteout);
		if (r < 0)
			return r;
		if (mkdirat(fd, name, mode & 01777) < 0)
			return err_new(-errno, "make directory %s", name);
	}
	/* Some FUSE file systems leave the sticky bit out. */
	if ((mode & 01000) && fchmodat(fd, name, mode & 01777, 0) < 0)
		return err_new(-errno, "set the mode of directory %s", name);
	p = &x->dirs.v[parent];
	inherits = p->setgid || p->gid;
	r = extract_count(x);
	if (r == 0)
		r = dirtree_add(&x->dirs, parent, name, ret);
	if (r < 0)
		return r;
	if (inherits) {
		fd = dirtree_fd(&x->dirs, *ret);
		if (fd < 0)
			return fd;
		if (fchown(fd, 0, 0) < 0 || fchmod(fd, mode & 01777) < 0)
			return err_new(-errno, "own directory %s", name);
	}
	/* What was deleted and made anew hides all that lower layers have there. */
	return whiteout ? extract_set_opaque(x, *ret) : 0;
}

/* A component that is no directory of ours: a link to follow, a gap to fill, or an error. */
static int odd_component(struct extract *x, const char *name, bool make, uint32_t *node,
			 char *target, ssize_t *ret_len)
{
	int fd = dirtree_fd(&x->dirs, *node);
	struct stat st;

	*ret_len = -1;
	if (fd < 0)
		return fd;
	*ret_len = readlinkat(fd, name, target, PATH_MAX);
	if (*ret_len >= 0)
		return *ret_len < PATH_MAX ? 0 : err_new(-ENAMETOOLONG, "link %s", name);
	if (errno == EINVAL && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!make || !S_ISCHR(st.st_mode))
			return err_new(-ENOTDIR, "'%s' is in the way", name);
	} else if (errno != ENOENT) {
		return err_new(-errno, "look at %s", name);
	} else if (!make) {
		return -ENOENT;
	}
	return extract_make_dir(x, *node, name, 0755, node);
}

/* Put a link's target before what is left of the path. */
static int splice_link(struct extract *x, const char *target, size_t len, size_t *at)
{
	AUTO_SBUF struct sbuf next = SBUF_INIT;

	sbuf_add(&next, target, len);
	sbuf_addc(&next, '/');
	sbuf_adds(&next, x->rest.s + *at);
	if (next.len > REST_MAX)
		return err_new(-ELOOP, "links that grow without end");
	sbuf_reset(&x->rest);
	sbuf_add(&x->rest, next.s, next.len);
	*at = 0;
	return 0;
}

/**
 * extract_walk() - the directory @path as seen from the tree's root, through links inside the tree
 * @make: missing ones are made, 0755 root, not listed. -ENOENT (no trail) without it.
 */
int extract_walk(struct extract *x, const char *path, bool make, uint32_t *ret)
{
	uint32_t node = DIR_ROOT;
	unsigned links = 0;
	size_t at = 0;

	sbuf_reset(&x->rest);
	sbuf_adds(&x->rest, path);
	while (x->rest.s[at]) {
		char name[NAME_MAX + 1], target[PATH_MAX];
		const char *p = x->rest.s + at;
		size_t n = strcspn(p, "/");
		uint32_t child;
		ssize_t len;
		int r;

		at += p[n] ? n + 1 : n;
		if (n == 0 || (n == 1 && p[0] == '.'))
			continue;
		if (n > NAME_MAX)
			return err_new(-ENAMETOOLONG, "link target");
		memcpy(name, p, n);
		name[n] = '\0';
		if (strcmp(name, "..") == 0) {
			node = x->dirs.v[node].parent;
			continue;
		}
		child = dirtree_child(&x->dirs, node, name);
		if (child != DIR_NONE) {
			node = child;
			continue;
		}
		r = odd_component(x, name, make, &node, target, &len);
		if (r < 0)
			return r;
		if (len < 0)
			continue;
		if (++links > LINKS_MAX)
			return err_new(-ELOOP, "'%.200s'", path);
		if (len && target[0] == '/')
			node = DIR_ROOT;
		r = splice_link(x, target, (size_t)len, &at);
		if (r < 0)
			return r;
	}
	*ret = node;
	return 0;
}
