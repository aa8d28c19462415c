/* SPDX-License-Identifier: MIT */
/*
 * A record's time is that of its last use, a RUN cache's that of its lock file. What is removed goes
 * under the store's lock, so no build takes a result meanwhile: it leases a layer under that lock too.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/cache.h"
#include "pkg/build/stat_cache.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/random.h"

#define RECORDS "build"
#define LOCK_SUFFIX ".lock"

static int list(struct store *st, const char *name, struct strv *ret)
{
	int cache = store_fd(st, STORE_CACHE), fd;
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;

	if (cache < 0)
		return cache;
	fd = openat(cache, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_new(-errno, "open cache/%s", name);
	d = fdopendir(fd);
	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			strv_add(ret, e->d_name);
	strv_sort(ret);
	return 0;
}

static bool is_older(int dir, const char *name, int64_t before_ns)
{
	struct stat st;

	if (!before_ns)
		return true;
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec < before_ns;
}

/* @ret_layer: "" when it has none, or is no record at all. */
static void layer_of(int dir, const char *key, char ret_layer[65])
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	ret_layer[0] = '\0';
	if (file_read_at(dir, key, 256, &b) < 0)
		err_drop();
	else if (b.len > 64 && b.s[64] == ' ') {
		memcpy(ret_layer, b.s, 64);
		ret_layer[64] = '\0';
	}
}

static int prune_records(struct store *st, bool all, int64_t before_ns, struct cache_pruned *ret)
{
	AUTO_STRV struct strv keys = STRV_INIT, used = STRV_INIT, layers = STRV_INIT;
	AUTO_FREE char *path = store_path(st, STORE_CACHE, RECORDS);
	AUTO_CLOSE int dir = -EBADF;
	int r = list(st, RECORDS, &keys);

	if (r < 0 || !keys.n)
		return r;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? err_new(-errno, "open %s", path) : layer_users(st, &used);
	for (size_t i = 0; r == 0 && i < keys.n; i++) {
		char layer[65];

		layer_of(dir, keys.v[i], layer);
		if (!is_older(dir, keys.v[i], before_ns) ||
		    (!all && layer[0] && strv_has(&used, layer)))
			continue;
		if (unlinkat(dir, keys.v[i], 0) < 0 && errno != ENOENT)
			return err_new(-errno, "remove cache/%s/%s", RECORDS, keys.v[i]);
		ret->records++;
		if (layer[0])
			strv_add(&layers, layer);
	}
	return r < 0 || !layers.n ? r : layer_remove_unused(st, &layers);
}

static int prune_mounts(struct store *st, int64_t before_ns, struct cache_pruned *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *path = store_path(st, STORE_CACHE, CACHE_MOUNTS);
	AUTO_CLOSE int dir = -EBADF;
	int trash = store_fd(st, STORE_TRASH), r = list(st, CACHE_MOUNTS, &names);

	if (r < 0 || !names.n)
		return r;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || trash < 0)
		return dir < 0 ? err_new(-errno, "open %s", path) : trash;
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *lock_name = xasprintf("%s" LOCK_SUFFIX, names.v[i]);
		AUTO_CLOSE int lock = -EBADF;
		char unique[33];

		if (strstr(names.v[i], LOCK_SUFFIX) || !is_older(dir, lock_name, before_ns))
			continue;
		lock = lock_try_open(dir, lock_name, LOCK_EXCLUSIVE);
		if (lock == -EWOULDBLOCK)
			continue; /* in use */
		if (lock < 0)
			return lock;
		random_hex(unique, 32);
		if (renameat(dir, names.v[i], trash, unique) < 0)
			return err_new(-errno, "move a cache to the trash");
		(void)unlinkat(dir, lock_name, 0);
		ret->mounts++;
	}
	return 0;
}

/* What explains nothing any more, and what spares reading files of contexts. */
static int prune_notes(struct store *st, const char *which, int64_t before_ns)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *path = store_path(st, STORE_CACHE, which);
	AUTO_CLOSE int dir = -EBADF;
	int r = list(st, which, &names);

	if (r < 0 || !names.n)
		return r;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "open %s", path);
	for (size_t i = 0; i < names.n; i++)
		if (is_older(dir, names.v[i], before_ns))
			(void)unlinkat(dir, names.v[i], 0);
	return 0;
}

int cache_prune(struct store *st, bool all, int64_t before_ns, struct cache_pruned *ret)
{
	AUTO_CLOSE int lock = store_lock(st, true);
	struct cache_pruned done = {0};
	int r = lock < 0 ? lock : prune_records(st, all, before_ns, &done);

	if (r == 0)
		r = prune_mounts(st, before_ns, &done);
	if (r == 0)
		r = prune_notes(st, CACHE_WHY, before_ns);
	if (r == 0)
		r = prune_notes(st, CACHE_STAT, before_ns);
	if (r == 0)
		*ret = done;
	return r < 0 ? err_wrap(r, "build cache") : 0;
}
