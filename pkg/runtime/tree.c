/* SPDX-License-Identifier: MIT */
/*
 * Trees that somebody else may be changing: every step is (descriptor, one name), links are never
 * followed, what is mounted below is left alone, also when it is of the same file system.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/copy.h"
#include "pkg/sys/open.h"
#include "pkg/sys/statx.h"
#include "pkg/sys/xattr.h"

#define DEPTH_MAX 256
#define LINK_MAX_BYTES 4096

static bool is_dots(const char *n)
{
	return n[0] == '.' && (n[1] == '\0' || (n[1] == '.' && n[2] == '\0'));
}

static DIR *open_dir_stream(int dir)
{
	AUTO_CLOSE int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		(void)TAKE_FD(fd);
	return d;
}

int tree_is_empty(int dir)
{
	AUTO_CLOSEDIR DIR *d = open_dir_stream(dir);

	if (!d)
		return err_new(-errno, "list a directory");
	for (struct dirent *e; (e = readdir(d));)
		if (!is_dots(e->d_name))
			return 0;
	return 1;
}

static bool is_mounted(int dir, const char *name, const struct stat *st, dev_t dev)
{
	return st->st_dev != dev || statx_is_mount_point(dir, name);
}

static int copy_attributes(int from, int to, const struct stat *st)
{
	struct timespec t[2] = {st->st_atim, st->st_mtim};

	if (fchown(to, st->st_uid, st->st_gid) < 0)
		return err_new(-errno, "chown");
	xattr_copy(from, to);
	if (fchmod(to, st->st_mode & 07777) < 0 || futimens(to, t) < 0)
		return err_new(-errno, "set mode and times");
	return 0;
}

static int copy_file(int from, int to, const char *name)
{
	AUTO_CLOSE int in = open_nofollow(from, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0),
		       out = -EBADF;
	struct stat st;
	int r;

	if (in < 0)
		return in;
	if (fstat(in, &st) < 0 || !S_ISREG(st.st_mode))
		return err_new(-ESTALE, "%s changed under us", name);
	out = open_nofollow(to, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (out < 0)
		return out;
	r = copy_content(NULL, in, out);
	return r < 0 ? r : copy_attributes(in, out, &st);
}

static int copy_node(int from, int to, const char *name, const struct stat *st)
{
	char link[LINK_MAX_BYTES + 1];
	int r = 0;

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(from, name, link, LINK_MAX_BYTES);

		if (n < 0)
			return err_new(-errno, "read link %s", name);
		link[n] = '\0';
		r = symlinkat(link, to, name);
	} else if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode)) {
		r = mknodat(to, name, st->st_mode & (S_IFMT | 07777), 0);
	} else {
		return 0; /* devices cannot be made in a user namespace */
	}
	if (r < 0 || fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "copy %s", name);
	return 0;
}

static int copy_level(int from, int to, dev_t dev, unsigned depth);

static int copy_dir(int from, int to, const char *name, const struct stat *st, dev_t dev,
		    unsigned depth)
{
	AUTO_CLOSE int a = open_nofollow(from, name, O_RDONLY | O_DIRECTORY, 0), b = -EBADF;
	int r;

	if (a < 0)
		return a;
	if (mkdirat(to, name, 0700) < 0)
		return err_new(-errno, "make %s", name);
	b = open_nofollow(to, name, O_RDONLY | O_DIRECTORY, 0);
	if (b < 0)
		return b;
	r = is_mounted(from, name, st, dev) ? 0 : copy_level(a, b, dev, depth + 1);
	return r < 0 ? r : copy_attributes(a, b, st);
}

static int copy_level(int from, int to, dev_t dev, unsigned depth)
{
	AUTO_CLOSEDIR DIR *d = open_dir_stream(from);

	if (!d)
		return err_new(-errno, "list a directory");
	if (depth > DEPTH_MAX)
		return err_new(-CE_LIMIT, "directories nested deeper than %d", DEPTH_MAX);
	for (struct dirent *e; (e = readdir(d));) {
		struct stat st;
		int r;

		if (is_dots(e->d_name))
			continue;
		if (fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_new(-errno, "stat %s", e->d_name);
		if (S_ISDIR(st.st_mode))
			r = copy_dir(from, to, e->d_name, &st, dev, depth);
		else if (S_ISREG(st.st_mode))
			r = copy_file(from, to, e->d_name);
		else
			r = copy_node(from, to, e->d_name, &st);
		if (r < 0)
			return err_wrap(r, "%s", e->d_name);
	}
	return 0;
}

static int open_pair(int from, int to, int *a, int *b, struct stat *st)
{
	*a = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*a < 0 || fstat(*a, st) < 0)
		return err_new(-errno, "open the image's directory");
	*b = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *b < 0 ? err_new(-errno, "open the new directory") : 0;
}

int tree_copy(int from, int to)
{
	AUTO_CLOSE int a = -EBADF, b = -EBADF;
	struct stat st;
	int r = open_pair(from, to, &a, &b, &st);

	if (r == 0)
		r = copy_level(a, b, st.st_dev, 0);
	return r < 0 ? r : copy_attributes(a, b, &st);
}

int tree_dress(int from, int to)
{
	AUTO_CLOSE int a = -EBADF, b = -EBADF;
	struct stat st;
	int r = open_pair(from, to, &a, &b, &st);

	return r < 0 ? r : copy_attributes(a, b, &st);
}

int tree_set_owner(int dir, uid_t uid, gid_t gid, int mode)
{
	AUTO_CLOSE int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || ((uid != (uid_t)-1 || gid != (gid_t)-1) && fchown(fd, uid, gid) < 0) ||
	    (mode >= 0 && fchmod(fd, (mode_t)mode) < 0))
		return err_new(-errno, "set owner and mode of a new directory");
	return 0;
}

static int chown_one(int dir, const char *name, const struct stat *st, uid_t uid, gid_t gid)
{
	if (st->st_uid == uid && st->st_gid == gid)
		return 0;
	if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)) < 0)
		return err_new(-errno, "chown");
	return 0;
}

static int chown_level(int dir, dev_t dev, uid_t uid, gid_t gid, unsigned depth)
{
	AUTO_CLOSEDIR DIR *d = open_dir_stream(dir);

	if (!d)
		return err_new(-errno, "list a directory");
	if (depth > DEPTH_MAX)
		return err_new(-CE_LIMIT, "directories nested deeper than %d", DEPTH_MAX);
	for (struct dirent *e; (e = readdir(d));) {
		AUTO_CLOSE int sub = -EBADF;
		struct stat st;
		int r = 0;

		if (is_dots(e->d_name))
			continue;
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_new(-errno, "stat %s", e->d_name);
		if (is_mounted(dir, e->d_name, &st, dev))
			continue;
		if (S_ISDIR(st.st_mode)) {
			sub = open_nofollow(dir, e->d_name, O_RDONLY | O_DIRECTORY, 0);
			r = sub < 0 ? sub : chown_level(sub, dev, uid, gid, depth + 1);
		}
		if (r == 0)
			r = sub >= 0 ? chown_one(sub, "", &st, uid, gid)
				     : chown_one(dir, e->d_name, &st, uid, gid);
		if (r < 0)
			return err_wrap(r, "%s", e->d_name);
	}
	return 0;
}

int tree_chown(int dir, uid_t uid, gid_t gid)
{
	AUTO_CLOSE int top = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (top < 0 || fstat(top, &st) < 0)
		return err_new(-errno, "open the tree");
	r = chown_level(top, st.st_dev, uid, gid, 0);
	return r < 0 ? r : chown_one(top, "", &st, uid, gid);
}
