/* SPDX-License-Identifier: MIT */
/* The directories of the build cache. */
#include "pkg/build/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "pkg/base/err.h"

/* From the store's own descriptor, as the trash: in B a path would lead over another mount. */
int cache_dir(struct store *st, const char *name)
{
	int cache = store_fd(st, STORE_CACHE), fd;

	if (cache < 0)
		return cache;
	fd = openat(cache, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open cache/%s", name) : fd;
}

int cache_dir_make(struct store *st, const char *name)
{
	int cache = store_fd(st, STORE_CACHE);

	if (cache < 0)
		return cache;
	if (mkdirat(cache, name, 0700) < 0 && errno != EEXIST)
		return err_new(-errno, "make cache/%s", name);
	return cache_dir(st, name);
}
