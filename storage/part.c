/* SPDX-License-Identifier: MIT */
#include "storage/part.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/lock.h"
#include "storage/store_internal.h"

/* "sha256:ab…" as the file "sha256-ab…"; only what a digest is made of goes into a path. */
static char *file_of(const char *digest)
{
	size_t algorithm = strcspn(digest, ":"), n = strlen(digest);

	if (algorithm == 0 || n - algorithm < 33 || n > 160 || strchr(digest, '/') ||
	    !hex_is_valid(digest + algorithm + 1, n - algorithm - 1))
		return NULL;
	return xasprintf("%.*s-%s", (int)algorithm, digest, digest + algorithm + 1);
}

void part_close(struct store *st, struct part *p)
{
	struct stat sb;

	if (!p->name)
		return;
	if (fstat(p->fd, &sb) == 0 && sb.st_size == 0)
		(void)unlinkat(store_fd(st, STORE_PARTS), p->name, 0);
	closep(&p->fd);
	freep(&p->name);
}

void part_drop(struct store *st, struct part *p)
{
	if (!p->name)
		return;
	(void)unlinkat(store_fd(st, STORE_PARTS), p->name, 0);
	closep(&p->fd);
	freep(&p->name);
}

int part_create(struct store *st, const char *digest, struct part *ret)
{
	AUTO_FREE char *name = file_of(digest);
	int dir = store_fd(st, STORE_PARTS), fd;
	off_t end;

	if (dir < 0 || !name)
		return dir < 0 ? dir : -ENOENT;
	fd = lock_try_open(dir, name, LOCK_EXCLUSIVE);
	if (fd < 0)
		return fd == -EWOULDBLOCK ? -ENOENT : fd;
	end = lseek(fd, 0, SEEK_END);
	*ret = (struct part){
		.name = TAKE_PTR(name), .fd = fd, .bytes = end < 0 ? 0 : (uint64_t)end};
	return 0;
}

int part_open(struct store *st, const char *digest, uint64_t size, struct part *ret)
{
	AUTO_FREE char *name = file_of(digest);
	int r;

	if (!name || !store_has(st, STORE_PARTS, name))
		return -ENOENT;
	r = part_create(st, digest, ret);
	if (r < 0)
		return r;
	if (ret->bytes == 0 || ret->bytes > size) {
		part_drop(st, ret);
		return -ENOENT;
	}
	return 0;
}

uint64_t part_bytes(struct store *st, const char *digest)
{
	AUTO_FREE char *name = file_of(digest);
	int dir = store_fd(st, STORE_PARTS);
	struct stat sb;

	if (dir < 0)
		err_drop();
	if (dir < 0 || !name || fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)sb.st_size;
}

int part_finish(struct store *st, struct part *p, const struct layer_stage *stage)
{
	AUTO_FREE char *to = layer_stage_blob_path(stage);
	int from = store_fd(st, STORE_PARTS), staging = store_fd(st, STORE_STAGING);

	if (from < 0 || staging < 0)
		return from < 0 ? from : staging;
	if (renameat(from, p->name, staging, to) < 0)
		return err_new(-errno, "keep a layer's blob");
	closep(&p->fd);
	freep(&p->name);
	return 0;
}

struct entry {
	char *name;
	int64_t mtime_s;
	uint64_t bytes;
};

static int newest_first(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->mtime_s < y->mtime_s   ? 1
	       : x->mtime_s > y->mtime_s ? -1
					 : strcmp(x->name, y->name);
}

static int list(struct store *st, struct entry **ret, unsigned *ret_n)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int dir = store_fd(st, STORE_PARTS),
	    r = dir < 0 ? dir : store_names(st, STORE_PARTS, &names);
	unsigned n = 0;

	*ret = NULL;
	*ret_n = 0;
	if (r < 0)
		return r;
	*ret = xcalloc(names.n + 1, sizeof(**ret));
	for (size_t i = 0; i < names.n; i++) {
		struct stat sb;

		if (fstatat(dir, names.v[i], &sb, AT_SYMLINK_NOFOLLOW) == 0)
			(*ret)[n++] = (struct entry){.name = xstrdup(names.v[i]),
						     .mtime_s = sb.st_mtim.tv_sec,
						     .bytes = (uint64_t)sb.st_blocks * 512};
	}
	*ret_n = n;
	return 0;
}

int parts_list(struct store *st, struct part_info **ret, unsigned *ret_n)
{
	AUTO_FREE struct entry *v = NULL;
	int r = list(st, &v, ret_n);

	if (r < 0)
		return r;
	*ret = xcalloc(*ret_n + 1, sizeof(**ret));
	for (unsigned i = 0; i < *ret_n; i++) {
		char *colon = strchr(v[i].name, '-');

		if (colon)
			*colon = ':';
		(*ret)[i] = (struct part_info){.digest = v[i].name, .bytes = v[i].bytes};
	}
	return 0;
}

void parts_free(struct part_info *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(v[i].digest);
	free(v);
}

static int trash_one(struct store *st, const char *name)
{
	AUTO_CLOSE int lock = lock_try_open(store_fd(st, STORE_PARTS), name, LOCK_EXCLUSIVE);
	int r;

	if (lock < 0)
		return lock == -EWOULDBLOCK ? 0 : lock;
	r = store_trash(st, STORE_PARTS, name);
	if (r == -ENOENT)
		err_drop();
	return r == -ENOENT ? 0 : r;
}

int parts_trash(struct store *st, int64_t age_s)
{
	AUTO_FREE struct entry *v = NULL;
	int64_t before_s = clock_now_ns() / NS_PER_S - age_s;
	uint64_t sum = 0;
	unsigned n;
	int r = list(st, &v, &n);

	if (r == 0 && n)
		qsort(v, n, sizeof(*v), newest_first);
	for (unsigned i = 0; r == 0 && i < n; i++) {
		sum += v[i].bytes;
		if (v[i].mtime_s <= before_s || sum > PARTS_BYTES_MAX)
			r = trash_one(st, v[i].name);
	}
	for (unsigned i = 0; v && i < n; i++)
		free(v[i].name);
	return r < 0 ? err_wrap(r, "parts of downloads") : 0;
}
