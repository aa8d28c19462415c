/* SPDX-License-Identifier: MIT */
#include "pkg/build/url_body.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/build/remote.h"
#include "pkg/sys/open.h"

static int copy_all(int from, int to)
{
	int r = lseek(from, 0, SEEK_SET) < 0 ? -errno : copy_stream(from, to);

	if (r == 0 && (lseek(from, 0, SEEK_SET) < 0 || lseek(to, 0, SEEK_SET) < 0))
		r = -errno;
	return r < 0 ? err_new(r, "copy") : 0;
}

static int take(int dir, const char *digest, int fd)
{
	AUTO_CLOSE int body = openat(dir, digest, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char hex[65];
	int r;

	if (body < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "open %.12s", digest);
	r = copy_all(body, fd);
	if (r == 0)
		r = remote_hash_file(fd, hex);
	if (r < 0)
		return r;
	if (strcmp(hex, digest) == 0) {
		(void)utimensat(dir, digest, NULL, 0); /* used: for cache_prune() */
		return 1;
	}
	(void)unlinkat(dir, digest, 0);
	return ftruncate(fd, 0) < 0 ? err_new(-errno, "truncate") : 0;
}

int url_body_take(struct store *st, const char *digest, int fd)
{
	AUTO_CLOSE int dir = cache_dir_make(st, CACHE_BODIES);
	int r = dir < 0 ? dir : take(dir, digest, fd);

	return r < 0 ? err_wrap(r, "build cache") : r;
}

int url_body_put(struct store *st, const char *digest, int fd)
{
	AUTO_CLOSE int dir = cache_dir_make(st, CACHE_BODIES);
	AUTO_CLOSE int to = dir < 0 ? dir : openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[32];
	int r = dir < 0 ? dir : to < 0 ? err_new(-errno, "make a file") : copy_all(fd, to);

	if (r == 0 && linkat(AT_FDCWD, fd_path(to, path), dir, digest, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		r = err_new(-errno, "name %.12s", digest);
	return r < 0 ? err_wrap(r, "build cache") : 0;
}
