/* SPDX-License-Identifier: MIT */
#include "pkg/sys/rmtree.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/random.h"

#define STUCK_MAX 8 /* passes in which nothing but such files went */

/* -EXDEV for what is mounted there, before its rights are looked at. */
static int open_here(int dir, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int open_dir(int dir, const char *name)
{
	int fd = open_here(dir, name, O_RDONLY);

	if (fd == -EACCES && fchmodat(dir, name, 0700, 0) == 0)
		fd = open_here(dir, name, O_RDONLY);
	return fd;
}

/* Renaming a directory rewrites its "..", which needs write permission on it. What is mounted is not changed. */
static int move_up(int dir, const char *name, int top, const char *moved)
{
	AUTO_CLOSE int fd = -EBADF;

	if (renameat(dir, name, top, moved) == 0)
		return 0;
	if (errno != EACCES)
		return -errno;
	fd = open_here(dir, name, O_PATH);
	if (fd < 0)
		return fd;
	(void)!fchmodat(dir, name, 0700, 0);
	return renameat(dir, name, top, moved) < 0 ? -errno : 0;
}

static bool is_dot(const char *s)
{
	return s[0] == '.' && (!s[1] || (s[1] == '.' && !s[2]));
}

/*
 * On FUSE the library renames what is removed while it is open, and renames it again whenever that is
 * removed: only who has it open can end this.
 */
static bool is_hidden(const char *s)
{
	return strncmp(s, ".fuse_hidden", strlen(".fuse_hidden")) == 0;
}

/*
 * Subdirectories are moved up next to the tree's top and emptied there, one level at a time, so
 * neither the stack nor the number of open descriptors grows with the depth.
 */
static int empty_dir(int top, int fd, bool *progress)
{
	AUTO_CLOSEDIR DIR *d = fdopendir(fd);
	struct dirent *e;
	int r;

	if (!d) {
		(void)close(fd);
		return -errno;
	}
	while ((e = readdir(d)) != NULL) {
		char moved[32] = ".rm-";

		if (is_dot(e->d_name))
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) == 0 || errno == ENOENT) {
			*progress |= !is_hidden(e->d_name);
			continue;
		}
		*progress = true;
		if (errno == EACCES || errno == EPERM)
			(void)fchmod(dirfd(d), 0700);
		if (unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) == 0)
			continue;
		if (errno != ENOTEMPTY && errno != EEXIST)
			if (unlinkat(dirfd(d), e->d_name, 0) == 0)
				continue;
		if (dirfd(d) == top)
			continue;
		random_hex(moved + 4, 16);
		r = move_up(dirfd(d), e->d_name, top, moved);
		if (r < 0)
			return r;
	}
	return 0;
}

int rmtree(int dir, const char *name)
{
	AUTO_CLOSE int top = -EBADF;
	unsigned stuck = 0;
	int r;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	top = open_dir(dir, name);
	if (top == -ENOENT)
		return 0;
	if (top < 0)
		return err_new(top, "remove %s", name);
	(void)fchmod(top, 0700);
	for (bool again = true; again;) {
		AUTO_CLOSEDIR DIR *d = NULL;
		bool progress = false;
		struct dirent *e;
		int copy = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		d = copy < 0 ? NULL : fdopendir(copy);
		if (!d)
			return err_new(-errno, "remove %s", name);
		again = false;
		while ((e = readdir(d)) != NULL) {
			int sub;

			if (is_dot(e->d_name))
				continue;
			again = true;
			if (unlinkat(top, e->d_name, 0) == 0 ||
			    unlinkat(top, e->d_name, AT_REMOVEDIR) == 0) {
				progress |= !is_hidden(e->d_name);
				continue;
			}
			sub = open_dir(top, e->d_name);
			r = sub == -ENOENT ? 0 : sub < 0 ? sub : empty_dir(top, sub, &progress);
			if (r < 0)
				return err_new(r, "remove %s/%s", name, e->d_name);
			if (unlinkat(top, e->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT &&
			    errno != ENOTEMPTY)
				return err_new(-errno, "remove %s/%s", name, e->d_name);
		}
		stuck = progress ? 0 : stuck + 1;
		if (again && stuck == STUCK_MAX)
			return err_new(-EBUSY, "remove %s: a file of it is open", name);
	}
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_new(-errno, "remove %s", name);
	return 0;
}
