/* SPDX-License-Identifier: MIT */
#include "pkg/sys/open.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/*
 * The kernel answers EAGAIN when a rename or a mount anywhere raced with "..": try again, but not for ever. Who renames in
 * a loop can win more than a hundred times in a row, as long as both have a processor: then pauses, for other moments.
 */
#define EAGAIN_TRIES 128
#define EAGAIN_PAUSES 512
#define EAGAIN_PAUSE_NS NS_PER_MS

static int openat2_retry(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
		.mode = (flags & (O_CREAT | O_TMPFILE)) ? mode : 0,
		.resolve = resolve,
	};
	long fd = -1;

	for (int i = 0; i < EAGAIN_TRIES + EAGAIN_PAUSES; i++) {
		if (i >= EAGAIN_TRIES)
			(void)nanosleep(&(struct timespec){.tv_nsec = EAGAIN_PAUSE_NS}, NULL);
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

int open_in(int root, const char *path, int flags, mode_t mode)
{
	int fd = openat2_retry(root, *path ? path : ".", flags, mode,
			       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	return fd < 0 ? err_new(fd, "open %s in root", path) : fd;
}

int open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	int fd = openat2_retry(dir, *path ? path : ".", flags, mode,
			       RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

	return fd < 0 ? err_new(fd, "open %s", path) : fd;
}

int open_nofollow(int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	if (!*name || strchr(name, '/') || strcmp(name, "..") == 0)
		return err_new(-EINVAL, "open '%s': not one path component", name);
	fd = openat2_retry(dir, name, flags | O_NOFOLLOW, mode,
			   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	return fd < 0 ? err_new(fd, "open %s", name) : fd;
}

/* One component below @dir, which stands at @done bytes of the walk; links resolve from @root. */
static int step_in(int root, const char *upto, mode_t mode)
{
	AUTO_CLOSE int dir = -EBADF;
	const char *slash = strrchr(upto, '/');
	char head[4096];
	int fd;

	fd = openat2_retry(root, upto, O_PATH | O_DIRECTORY, 0,
			   RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd != -ENOENT || !mode)
		return fd;
	(void)snprintf(head, sizeof(head), "%.*s", slash ? (int)(slash - upto) : 0, upto);
	dir = openat2_retry(root, *head ? head : ".", O_PATH | O_DIRECTORY, 0,
			    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (dir < 0)
		return dir;
	if (mkdirat(dir, slash ? slash + 1 : upto, 0700) < 0) {
		if (errno != EEXIST)
			return -errno;
		/* A dangling link stands there (or somebody was faster): follow it once more. */
		return openat2_retry(root, upto, O_PATH | O_DIRECTORY, 0,
				     RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	}
	fd = openat2_retry(dir, slash ? slash + 1 : upto, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
			   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (fd >= 0 && fchmod(fd, mode) < 0) {
		int saved = -errno;

		(void)close(fd);
		return saved;
	}
	return fd;
}

int mkdir_in(int root, const char *path, mode_t mode)
{
	char upto[4096];
	int fd = -EBADF;
	size_t n;

	while (*path == '/')
		path++;
	n = strlen(path);
	while (n && path[n - 1] == '/')
		n--;
	if (n >= sizeof(upto))
		return err_new(-ENAMETOOLONG, "make directory %.64s…", path);
	if (n == 0) {
		fd = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? err_new(-errno, "open the root") : fd;
	}
	for (size_t i = 1; i <= n; i++) {
		AUTO_CLOSE int prev = TAKE_FD(fd);

		if (i < n && path[i] != '/') {
			fd = TAKE_FD(prev);
			continue;
		}
		memcpy(upto, path, i);
		upto[i] = '\0';
		fd = step_in(root, upto, mode);
		if (fd < 0)
			return err_new(fd, "make directory %s in root", upto);
	}
	return fd;
}

int parent_in(int root, const char *path, mode_t mkdir_mode, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char head[4096];

	*ret_name = slash ? slash + 1 : path;
	if ((size_t)(*ret_name - path) >= sizeof(head))
		return err_new(-ENAMETOOLONG, "open the parent of %.64s…", path);
	(void)snprintf(head, sizeof(head), "%.*s", (int)(*ret_name - path), path);
	if (mkdir_mode)
		return mkdir_in(root, head, mkdir_mode);
	return open_in(root, *head ? head : ".", O_PATH | O_DIRECTORY, 0);
}

char *fd_path(int fd, char buf[32])
{
	(void)snprintf(buf, 32, "/proc/self/fd/%d", fd);
	return buf;
}

static int range(unsigned first, unsigned last, int close_now)
{
	if (syscall(SYS_close_range, first, last, close_now ? 0U : CLOSE_RANGE_CLOEXEC) < 0)
		return err_new(-errno, "close_range from %u", first);
	return 0;
}

int fd_close_from(unsigned first, int close_now)
{
	return range(first, ~0U, close_now);
}

int fd_cloexec_but(unsigned first, const uint32_t *keep, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < n; i++) {
		if (keep[i] > first)
			r = range(first, keep[i] - 1, 0);
		first = keep[i] + 1;
	}
	return r < 0 ? r : range(first, ~0U, 0);
}

int fd_dup(int fd)
{
	int d = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return d < 0 ? -errno : d;
}
