/* SPDX-License-Identifier: MIT */
/*
 * Where nothing can be put into a container that does not run: what a start mounts anew, a tmpfs or
 * an overlay over a volume, is not there yet, and would hide what is written at its place.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/root.h"
#include "pkg/sys/open.h"

#define DEPTH_MAX 4096

static int no_place(const char *target)
{
	return err_new(
		-CE_BAD_STATE,
		"%s is made anew at each start (a tmpfs or an overlay over a volume), and would "
		"hide what is copied there now; start the container first",
		target);
}

static bool is_same(int fd, const struct stat *st)
{
	struct stat other;

	return fstat(fd, &other) == 0 && other.st_ino == st->st_ino && other.st_dev == st->st_dev;
}

static const char *find(int root, const struct strv *targets, const struct stat *st)
{
	for (size_t i = 0; i < targets->n; i++) {
		AUTO_CLOSE int fd = open_in(root, targets->v[i], O_PATH, 0);

		if (fd >= 0 && is_same(fd, st))
			return targets->v[i];
		err_drop();
	}
	return NULL;
}

/* The place itself may be missing still: a file of that name would be in the way of the mount. */
static const char *find_missing(int root, const struct strv *targets, int dir, const char *name)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return NULL;
	for (size_t i = 0; i < targets->n; i++) {
		const char *t = targets->v[i], *base = path_base(t);
		AUTO_FREE char *above = xstrndup(t, (size_t)(base - t));
		AUTO_CLOSE int fd = -EBADF;

		if (strcmp(base, name) != 0)
			continue;
		fd = open_in(root, above, O_PATH | O_DIRECTORY, 0);
		if (fd >= 0 && is_same(fd, &st))
			return t;
		err_drop();
	}
	return NULL;
}

int container_root_may_put(const struct container_root *r, int dir, const char *name)
{
	AUTO_CLOSE int at = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, last = {0};
	const char *target = find_missing(r->fd, &r->fresh, dir, name);

	/* The nearest mount above counts: a volume within a tmpfs is a place that lasts. */
	for (int i = 0; r->fresh.n && !target && at >= 0 && i < DEPTH_MAX; i++) {
		int up;

		if (fstat(at, &st) < 0 || (st.st_ino == last.st_ino && st.st_dev == last.st_dev) ||
		    find(r->fd, &r->lasting, &st))
			return 0;
		target = find(r->fd, &r->fresh, &st);
		last = st;
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = up;
	}
	return target ? no_place(target) : 0;
}
