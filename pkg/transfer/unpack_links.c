/* SPDX-License-Identifier: MIT */
/*
 * Hard links whose target only a lower layer has (build-and-images S18, image-spec layer.md). A
 * layer is one directory shared by every image that lists it, so what the link names is copied in;
 * an image whose lower layers differ there would be a different layer for any tool.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/sys/copy.h"
#include "pkg/sys/open.h"
#include "pkg/sys/whiteout.h"
#include "pkg/sys/xattr.h"
#include "pkg/transfer/unpack.h"


/* --- finding it -------------------------------------------------------------------------------- */

enum found { FOUND_NOT, FOUND_HIDDEN, FOUND_YES };

/* One component of @path in one tree after another; @dir moves down. */
static enum found step(int *dir, const char *name, bool last, bool *opaque)
{
	struct stat st;
	int below;

	if (fstatat(*dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return *opaque || whiteout_stands_for(*dir, name) ? FOUND_HIDDEN : FOUND_NOT;
	if (S_ISCHR(st.st_mode))
		return FOUND_HIDDEN;
	if (last)
		return S_ISDIR(st.st_mode) ? FOUND_HIDDEN : FOUND_YES;
	if (!S_ISDIR(st.st_mode))
		return FOUND_HIDDEN; /* a link on the way: where it leads is not ours to guess */
	below = open_nofollow(*dir, name, O_RDONLY | O_DIRECTORY, 0);
	closep(dir);
	*dir = below;
	*opaque |= below >= 0 && whiteout_is_opaque(below);
	return below < 0 ? FOUND_HIDDEN : FOUND_YES;
}

/* Directory of @path's last component in @tree, when it is there. */
static enum found look_up(int tree, const char *path, int *ret_dir)
{
	AUTO_CLOSE int dir = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool opaque = dir >= 0 && whiteout_is_opaque(dir);
	enum found f = FOUND_NOT;

	for (const char *p = path; dir >= 0 && *p;) {
		size_t n = strcspn(p, "/");
		char name[256];

		if (n == 0 || n >= sizeof(name))
			return FOUND_HIDDEN;
		memcpy(name, p, n);
		name[n] = '\0';
		p += p[n] ? n + 1 : n;
		f = step(&dir, name, !*p, &opaque);
		if (f != FOUND_YES)
			return f;
	}
	*ret_dir = TAKE_FD(dir);
	return f;
}

/* --- copying it -------------------------------------------------------------------------------- */

static int copy_file(int src_dir, const char *src, int dst_dir, const char *dst,
		     const struct stat *st)
{
	struct timespec ts[2] = {st->st_mtim, st->st_mtim};
	AUTO_CLOSE int from = open_nofollow(src_dir, src, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0),
		       to = -EBADF;
	int r;

	if (from < 0)
		return from;
	to = open_nofollow(dst_dir, dst, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (to < 0)
		return to;
	r = copy_content(NULL, from, to);
	if (r < 0)
		return r;
	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return err_new(-errno, "set owner and mode");
	r = xattr_copy_all(from, to, true);
	if (r == 0 && futimens(to, ts) < 0)
		r = err_new(-errno, "set times");
	return r;
}

static int copy_symlink(int src_dir, const char *src, int dst_dir, const char *dst,
			const struct stat *st)
{
	struct timespec ts[2] = {st->st_mtim, st->st_mtim};
	char target[4096];
	ssize_t n = readlinkat(src_dir, src, target, sizeof(target) - 1);

	if (n < 0)
		return err_new(-errno, "read link");
	target[n] = '\0';
	if (symlinkat(target, dst_dir, dst) < 0 ||
	    fchownat(dst_dir, dst, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(dst_dir, dst, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "copy link");
	return 0;
}

/* --- one link ---------------------------------------------------------------------------------- */

static int open_parent(int tree, const char *path, const char **ret_name)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *head = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	long fd;

	*ret_name = slash ? slash + 1 : path;
	if (!head)
		return err_new(-ENOMEM, "%s", path);
	fd = syscall(SYS_openat2, tree, head, &how, sizeof(how));
	return fd < 0 ? err_new(-errno, "open the parent of '%s'", path) : (int)fd;
}

static int resolve(const struct layer_stage *stage, const char *path, const char *target,
		   const int *lower, unsigned n_lower)
{
	AUTO_CLOSE int src = -EBADF, dst = -EBADF;
	const char *slash = strrchr(target, '/'), *from = slash ? slash + 1 : target, *name;
	enum found f = FOUND_NOT;
	struct stat st;

	dst = open_parent(stage->tree_fd, path, &name);
	if (dst < 0)
		return dst;
	if (fstatat(dst, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0; /* a later entry took the name */
	for (unsigned i = 0; i < n_lower && f == FOUND_NOT; i++)
		f = look_up(lower[i], target, &src);
	if (f != FOUND_YES || fstatat(src, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-CE_BAD_FORMAT, "'%s' is a hard link to '%s', which does not exist",
			       path, target);
	if (S_ISREG(st.st_mode))
		return copy_file(src, from, dst, name, &st);
	if (S_ISLNK(st.st_mode))
		return copy_symlink(src, from, dst, name, &st);
	return err_new(-CE_BAD_FORMAT, "'%s' is a hard link to '%s', which is not a file", path,
		       target);
}

/* Links to one target are one file, as they were meant. */
static int link_to_earlier(const struct layer_stage *stage, const struct unpack_result *r, size_t i)
{
	for (size_t k = 0; k < i; k += 2) {
		AUTO_CLOSE int from = -EBADF, to = -EBADF;
		const char *from_name, *to_name;

		if (strcmp(r->links.v[k + 1], r->links.v[i + 1]) != 0)
			continue;
		from = open_parent(stage->tree_fd, r->links.v[k], &from_name);
		to = open_parent(stage->tree_fd, r->links.v[i], &to_name);
		if (from >= 0 && to >= 0 && linkat(from, from_name, to, to_name, 0) == 0)
			return 1;
	}
	return 0;
}

int unpack_resolve_links(const struct layer_stage *stage, const struct unpack_result *u,
			 const int *lower, unsigned n_lower)
{
	for (size_t i = 0; i + 1 < u->links.n; i += 2) {
		int r = 0;

		/* Quadratic for many: only the first few hundred are tried. */
		if (i < 512)
			r = link_to_earlier(stage, u, i);
		if (r == 0)
			r = resolve(stage, u->links.v[i], u->links.v[i + 1], lower, n_lower);
		if (r < 0)
			return r;
	}
	return 0;
}
