/* SPDX-License-Identifier: MIT */
#include "pkg/sys/file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/open.h"
#include "pkg/sys/random.h"

/* Not every C library has them. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE (1 << 1)
#endif

int file_read_stream(int fd, size_t max, struct sbuf *out)
{
	size_t before = out->len;

	for (;;) {
		ssize_t n;

		sbuf_grow(out, 4096);
		n = read_upto(fd, out->s + out->len, out->cap - out->len - 1);
		if (n < 0)
			return err_new((int)n, "read");
		out->len += (size_t)n;
		out->s[out->len] = '\0';
		if (out->len - before > max)
			return err_new(-CE_LIMIT, "at most %zu bytes are read", max);
		if (n == 0 || out->len < out->cap - 1)
			return 0;
	}
}

/* What records and references fit into. */
#define OWN_FILE_USUAL 4096

int file_read_fd(int fd, size_t max, struct sbuf *out)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_new(-errno, "stat");
	if (!S_ISREG(st.st_mode))
		return err_new(-CE_BAD_FORMAT, "not a regular file");
	if (st.st_size > (off_t)max)
		return err_new(-CE_LIMIT, "%lld bytes, at most %zu are read", (long long)st.st_size,
			       max);
	if (st.st_size == 0) /* also files of /proc that have content */
		return file_read_stream(fd, max, out);
	/* What has a size is read to that size, without asking for its end: one call for most files. */
	sbuf_grow(out, (size_t)st.st_size);
	n = read_upto(fd, out->s + out->len, (size_t)st.st_size);
	if (n < 0)
		return err_new((int)n, "read");
	out->len += (size_t)n;
	out->s[out->len] = '\0';
	return 0;
}

static int read_opened(int fd_or_error, const char *name, size_t max, struct sbuf *out)
{
	AUTO_CLOSE int fd = fd_or_error;
	int r = file_read_fd(fd, max, out);

	return r < 0 ? err_wrap(r, "%s", name) : 0;
}

int file_read_in(int root, const char *path, size_t max, struct sbuf *out)
{
	int fd = open_in(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	return fd < 0 ? fd : read_opened(fd, path, max, out);
}

int file_read_at(int dir, const char *name, size_t max, struct sbuf *out)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_new(-errno, "open %s", name);
	return read_opened(fd, name, max, out);
}

int file_read_own(int dir, const char *name, size_t max, struct sbuf *out)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char first[OWN_FILE_USUAL]; /* by way of here a small record is a small allocation */
	ssize_t n;
	int r;

	if (fd < 0)
		return err_new(-errno, "open %s", name);
	do
		n = read(fd, first, sizeof(first));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_new(-errno, "read %s", name);
	sbuf_add(out, first, (size_t)n);
	if ((size_t)n > max)
		return err_new(-CE_LIMIT, "%s: at most %zu bytes are read", name, max);
	/* A regular file gives all that it has: less than asked for is its end. */
	r = (size_t)n < sizeof(first) ? 0 : file_read_stream(fd, max - (size_t)n, out);
	return r < 0 ? err_wrap(r, "%s", name) : 0;
}

static int write_aside(int dir, const char *aside, const void *p, size_t n, mode_t mode,
		       enum file_sync sync)
{
	AUTO_CLOSE int fd = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				   mode);
	int r;

	if (fd < 0)
		return -errno;
	r = write_full(fd, p, n);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && sync == FILE_SYNC && fsync(fd) < 0)
		r = -errno;
	return r;
}

int file_write_new(int dir, const char *name, const void *p, size_t n, mode_t mode,
		   enum file_sync sync)
{
	int r = write_aside(dir, name, p, n, mode, sync);

	return r < 0 ? err_new(r, "write %s", name) : 0;
}

static int sync_dir(int dir, enum file_sync sync)
{
	AUTO_CLOSE int fd = -EBADF;

	if (sync != FILE_SYNC)
		return 0;
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* @dir may be O_PATH */
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int file_make_dirs(const char *path, mode_t mode)
{
	AUTO_FREE char *part = xstrdup(path);

	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return err_new(-errno, "make %s", part);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

int file_memory(const char *name, const void *p, size_t n)
{
	AUTO_CLOSE int fd = memfd_create(name, MFD_CLOEXEC);
	int r = fd < 0 ? -errno : write_full(fd, p, n);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? err_new(r, "a file in memory (%s)", name) : TAKE_FD(fd);
}

int file_replace(int dir, const char *name, const void *p, size_t n, mode_t mode,
		 enum file_sync sync)
{
	char id[17], aside[48];
	int r;

	random_hex(id, 16);
	(void)snprintf(aside, sizeof(aside), ".tmp-%s", id);
	r = write_aside(dir, aside, p, n, mode, sync);
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = -errno;
	if (r == 0)
		r = sync_dir(dir, sync);
	if (r < 0) {
		(void)unlinkat(dir, aside, 0);
		return err_new(r, "write %s", name);
	}
	return 0;
}

int file_create(int dir, const char *name, const void *p, size_t n, mode_t mode,
		enum file_sync sync)
{
	char id[17], aside[48];
	int r;

	random_hex(id, 16);
	(void)snprintf(aside, sizeof(aside), ".tmp-%s", id);
	r = write_aside(dir, aside, p, n, mode, sync);
	if (r == 0 && linkat(dir, aside, dir, name, 0) < 0)
		r = -errno;
	(void)unlinkat(dir, aside, 0);
	if (r == 0)
		r = sync_dir(dir, sync);
	if (r == -EEXIST) {
		err_drop();
		return r;
	}
	return r < 0 ? err_new(r, "create %s", name) : 0;
}

static int rename_as(int from, const char *old, int to, const char *name, unsigned flags)
{
	return syscall(SYS_renameat2, from, old, to, name, flags) < 0 ? -errno : 0;
}

static bool knows_no_flags(int r)
{
	return r == -EINVAL || r == -ENOSYS;
}

int file_rename_new(int from, const char *old, int to, const char *name)
{
	int r = rename_as(from, old, to, name, RENAME_NOREPLACE);
	struct stat sb;

	if (!knows_no_flags(r))
		return r;
	if (fstatat(to, name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	r = rename_as(from, old, to, name, 0);
	return r == -ENOTEMPTY || r == -ENOTDIR || r == -EISDIR ? -EEXIST : r;
}

int file_swap(int dir, const char *aside, const char *name)
{
	char id[17], third[48];
	int r = rename_as(dir, aside, dir, name, RENAME_EXCHANGE), e;

	if (!knows_no_flags(r))
		return r == -ENOENT ? rename_as(dir, aside, dir, name, 0) : r;
	random_hex(id, 16);
	(void)snprintf(third, sizeof(third), ".tmp-%s", id);
	r = rename_as(dir, name, dir, third, 0);
	if (r < 0)
		return r == -ENOENT ? rename_as(dir, aside, dir, name, 0) : r;
	r = rename_as(dir, aside, dir, name, 0);
	e = rename_as(dir, third, dir, r < 0 ? name : aside, 0);
	return r < 0 ? r : e;
}
