/* SPDX-License-Identifier: MIT */
#include "pkg/sys/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

/* Between open and flock the file may have been unlinked: a lock on a lost inode guards nothing. */
static bool same_file(int fd, int dir, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_and_lock(int dir, const char *name, enum lock_mode mode, int extra)
{
	int op = (mode == LOCK_SHARED ? LOCK_SH : LOCK_EX) | extra;

	for (;;) {
		AUTO_CLOSE int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
					   0600);

		if (fd < 0)
			return err_new(-errno, "open lock %s", name);
		while (flock(fd, op) < 0) {
			if (errno == EWOULDBLOCK) {
				err_drop();
				return -EWOULDBLOCK;
			}
			if (errno != EINTR)
				return err_new(-errno, "lock %s", name);
		}
		if (same_file(fd, dir, name))
			return TAKE_FD(fd);
	}
}

int lock_open(int dir, const char *name, enum lock_mode mode)
{
	return open_and_lock(dir, name, mode, 0);
}

int lock_try_open(int dir, const char *name, enum lock_mode mode)
{
	return open_and_lock(dir, name, mode, LOCK_NB);
}

int lock_is_held(int dir, const char *name)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_new(-errno, "open lock %s", name);
	/* Shared, so that two askers do not take each other for a holder. */
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : err_new(-errno, "test lock %s", name);
}

static int open_and_lock_number(int dir, const char *name, uint64_t n, int command)
{
	struct flock range = {.l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)(n >> 1), /* a file's offset has one bit less */
			      .l_len = 1};
	AUTO_CLOSE int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_new(-errno, "open lock %s", name);
	while (fcntl(fd, command, &range) < 0) {
		if (errno == EAGAIN || errno == EACCES) {
			err_drop();
			return -EWOULDBLOCK;
		}
		if (errno != EINTR)
			return err_new(-errno, "lock %s", name);
	}
	return TAKE_FD(fd);
}

int lock_number_open(int dir, const char *name, uint64_t n)
{
	return open_and_lock_number(dir, name, n, F_OFD_SETLKW);
}

int lock_number_try_open(int dir, const char *name, uint64_t n)
{
	return open_and_lock_number(dir, name, n, F_OFD_SETLK);
}
