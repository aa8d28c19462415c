/* SPDX-License-Identifier: MIT */
#include "pkg/sys/private_dir.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/file.h"

/* mkdirat() whose result does not depend on the caller's umask. One thread: nobody sees the switch. */
static int make_dir(int dir, const char *name)
{
	mode_t old = umask(077);
	int r = mkdirat(dir, name, 0700) < 0 ? -errno : 0;

	(void)umask(old);
	return r;
}

static int is_empty(int fd)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return -errno;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return 0;
	return 1;
}

/* Tighten first, look afterwards: nobody can add anything in between. */
static int tighten(int fd, mode_t was, const char *name)
{
	if (fchmod(fd, 0700) < 0)
		return err_new(-errno, "make %s private", name);
	if (!(was & 022) || is_empty(fd) == 1)
		return 0;
	(void)fchmod(fd, was & 07777);
	return err_new(-CE_HOST_SETUP,
		       "%s can be written by others and is not empty: look what is in it, then "
		       "'chmod 700' it",
		       name);
}

static int verify(int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_new(-errno, "stat %s", name);
	if (!S_ISDIR(st.st_mode))
		return err_new(-CE_HOST_SETUP, "%s is not a directory", name);
	if (st.st_uid != geteuid())
		return err_new(-CE_HOST_SETUP, "%s belongs to another user", name);
	if (st.st_mode & 077)
		return tighten(fd, st.st_mode, name);
	return 0;
}

int private_dir_at(int dir, const char *name, bool create)
{
	AUTO_CLOSE int fd = -EBADF;
	int r;

	for (int tries = 0; tries < 3; tries++) {
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			break;
		if (!create) {
			err_drop();
			return -ENOENT;
		}
		r = make_dir(dir, name);
		if (r < 0 && r != -EEXIST)
			return err_new(r, "make directory %s", name);
	}
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_new(-CE_HOST_SETUP, "%s is not a directory", name);
	if (fd < 0)
		return err_new(-errno, "open directory %s", name);
	r = verify(fd, name);
	return r < 0 ? r : TAKE_FD(fd);
}

/* What is above our directory is the user's or the system's: made when missing, never judged. */
static int make_parents(const char *path)
{
	for (const char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		AUTO_FREE char *upto = xstrndup(path, (size_t)(p - path));
		struct stat st;
		int r;

		if (stat(upto, &st) == 0)
			continue;
		r = make_dir(AT_FDCWD, upto);
		if (r < 0 && r != -EEXIST)
			return err_new(r, "make directory %s", upto);
	}
	return 0;
}

int private_dir_open(const char *path, bool create)
{
	AUTO_FREE char *clean = path_clean(path);
	int fd, r;

	if (*clean != '/')
		return err_new(-EINVAL, "%s is not an absolute path", path);
	fd = private_dir_at(AT_FDCWD, clean, false);
	if (fd != -ENOENT || !create)
		return fd;
	r = make_parents(clean);
	return r < 0 ? r : private_dir_at(AT_FDCWD, clean, true);
}

bool private_dir_check(const char *path)
{
	struct stat st;

	return *path == '/' && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && !(st.st_mode & 077);
}

/* First line of the map: "<inside> <outside> <count>", seen from the parent namespace. */
static uint32_t outer_id(const char *map, uint32_t own)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char *at = NULL, *word;
	uint32_t inside, outside;

	if (own != 0)
		return own;
	if (file_read_at(AT_FDCWD, map, 65536, &b) < 0) {
		err_drop();
		return 0;
	}
	word = strtok_r(b.s, " \n", &at);
	if (!word || parse_u32(word, UINT32_MAX, &inside) < 0 || inside != 0)
		return 0;
	word = strtok_r(NULL, " \n", &at);
	return word && parse_u32(word, UINT32_MAX, &outside) == 0 ? outside : 0;
}

uid_t outer_uid(void)
{
	return outer_id("/proc/self/uid_map", geteuid());
}

gid_t outer_gid(void)
{
	return outer_id("/proc/self/gid_map", getegid());
}

void dir_spread(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_TOPDIR_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}
