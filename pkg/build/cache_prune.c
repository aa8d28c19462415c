/* SPDX-License-Identifier: MIT */
/*
 * A record's time is that of its last use, a RUN cache's that of its lock file. What is removed goes
 * under the store's lock, so no build takes a result meanwhile: it leases a layer under that lock too.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/cache_internal.h"
#include "pkg/build/stat_cache.h"
#include "pkg/build/url_body.h"
#include "pkg/build/url_note.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/random.h"
#include "storage/tree_size.h"

int cache_names(struct store *st, const char *name, struct strv *ret)
{
	AUTO_CLOSE int fd = cache_dir(st, name);
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;

	if (fd == -ENOENT) {
		err_drop();
		return 0;
	}
	if (fd < 0)
		return fd;
	d = fdopendir(TAKE_FD(fd));
	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			strv_add(ret, e->d_name);
	strv_sort(ret);
	return 0;
}

int64_t cache_used_ns(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return INT64_MAX;
	return st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

static void tell(const struct cache_limits *l, const char *id)
{
	if (l->told)
		strv_add(l->told, id);
}

void cache_layer_of(int dir, const char *key, char ret_layer[65])
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

static int prune_records(struct store *st, const struct cache_limits *l, struct cache_pruned *ret)
{
	AUTO_STRV struct strv keys = STRV_INIT, used = STRV_INIT, layers = STRV_INIT;
	AUTO_CLOSE int dir = -EBADF;
	int r = cache_names(st, CACHE_RESULTS, &keys);

	if (r < 0 || !keys.n)
		return r;
	dir = cache_dir(st, CACHE_RESULTS);
	r = dir < 0 ? dir : layer_users(st, &used);
	for (size_t i = 0; r == 0 && i < keys.n; i++) {
		char layer[65];

		cache_layer_of(dir, keys.v[i], layer);
		if (!cache_choice_has(&l->only, keys.v[i], false, cache_used_ns(dir, keys.v[i])) ||
		    (!l->all && layer[0] && strv_has(&used, layer)))
			continue;
		if (unlinkat(dir, keys.v[i], 0) < 0 && errno != ENOENT)
			return err_new(-errno, "remove cache/%s/%s", CACHE_RESULTS, keys.v[i]);
		ret->records++;
		tell(l, keys.v[i]);
		if (layer[0])
			strv_add(&layers, layer);
	}
	return r < 0 || !layers.n ? r : layer_remove_unused(st, &layers);
}

/* A directory of another id (uid= of the mount) can only be moved among the subordinate ids. */
static int to_trash(struct store *st, int dir, const char *name, int trash, const char *as)
{
	int r;

	if (renameat(dir, name, trash, as) == 0)
		return 0;
	if (errno != EACCES || base_is_entered())
		return err_new(-errno, "move a cache to the trash");
	r = base_enter_own(store_runtime_fd(st));
	if (r < 0)
		return r;
	return renameat(dir, name, trash, as) < 0 ? err_new(-errno, "move a cache to the trash")
						  : 0;
}

/* -EWOULDBLOCK (no trail): in use. */
static int drop_mount(struct store *st, int dir, const char *name)
{
	AUTO_FREE char *lock_name = xasprintf("%s" CACHE_LOCK_SUFFIX, name);
	int trash = store_fd(st, STORE_TRASH);
	AUTO_CLOSE int lock = lock_try_open(dir, lock_name, LOCK_EXCLUSIVE);
	char unique[33];
	int r;

	if (lock < 0 || trash < 0)
		return lock < 0 ? lock : trash;
	random_hex(unique, 32);
	r = to_trash(st, dir, name, trash, unique);
	if (r == 0)
		(void)unlinkat(dir, lock_name, 0);
	return r;
}

static int prune_mounts(struct store *st, const struct cache_limits *l, struct cache_pruned *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int dir = -EBADF;
	int r = cache_names(st, CACHE_MOUNTS, &names);

	if (r < 0 || !names.n)
		return r;
	dir = cache_dir(st, CACHE_MOUNTS);
	if (dir < 0)
		return dir;
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *lock_name = xasprintf("%s" CACHE_LOCK_SUFFIX, names.v[i]);

		if (strstr(names.v[i], CACHE_LOCK_SUFFIX) ||
		    !cache_choice_has(&l->only, names.v[i], true, cache_used_ns(dir, lock_name)))
			continue;
		r = drop_mount(st, dir, names.v[i]);
		if (r < 0 && r != -EWOULDBLOCK)
			return r;
		if (r == 0) {
			ret->mounts++;
			tell(l, names.v[i]);
		}
	}
	return 0;
}

/* What explains nothing any more, and what spares reading files of contexts or fetching URLs. */
static int prune_notes(struct store *st, const char *which, int64_t before_ns)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int dir = -EBADF;
	int r = cache_names(st, which, &names);

	if (r < 0 || !names.n)
		return r;
	dir = cache_dir(st, which);
	if (dir < 0)
		return dir;
	for (size_t i = 0; i < names.n; i++)
		if (!before_ns || cache_used_ns(dir, names.v[i]) < before_ns)
			(void)unlinkat(dir, names.v[i], 0);
	return 0;
}

/* --- by size ----------------------------------------------------------------------------------------- */

/* A layer that only results need, with all of those, or the cache of a RUN, or what a URL gave. */
struct piece {
	char *name;
	enum piece_kind { PIECE_LAYER, PIECE_MOUNT, PIECE_BODY } kind;
	uint64_t bytes;
	int64_t used_ns;
	struct strv keys;
};

struct pieces {
	struct piece *v;
	size_t n;
	uint64_t bytes;
	int records, mounts, bodies; /* directories */
};

static void pieces_done(struct pieces *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		strv_done(&p->v[i].keys);
	}
	free(p->v);
	closep(&p->records);
	closep(&p->mounts);
	closep(&p->bodies);
}

static struct piece *add_piece(struct pieces *p, const char *name, enum piece_kind kind, uint64_t bytes)
{
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n] = (struct piece){.name = xstrdup(name), .kind = kind, .bytes = bytes};
	p->bytes += bytes;
	return &p->v[p->n++];
}

static int add_record(struct store *st, struct pieces *p, const struct strv *used, const char *key)
{
	struct layer_record rec = {0};
	struct piece *piece = NULL;
	char layer[65];
	int64_t when;

	cache_layer_of(p->records, key, layer);
	if (!layer[0] || strv_has(used, layer))
		return 0;
	for (size_t i = 0; !piece && i < p->n; i++)
		if (strcmp(p->v[i].name, layer) == 0)
			piece = &p->v[i];
	if (!piece) {
		if (layer_record_load(st, layer, &rec) < 0)
			err_drop();
		piece = add_piece(p, layer, PIECE_LAYER, rec.tree_bytes);
		layer_record_done(&rec);
	}
	when = cache_used_ns(p->records, key);
	if (when > piece->used_ns)
		piece->used_ns = when;
	strv_add(&piece->keys, key);
	return 0;
}

static void add_body(struct pieces *p, const char *name)
{
	struct stat st;

	if (fstatat(p->bodies, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		add_piece(p, name, PIECE_BODY, (uint64_t)st.st_blocks * 512)->used_ns =
			cache_used_ns(p->bodies, name);
}

static int find_pieces(struct store *st, struct pieces *p)
{
	AUTO_STRV struct strv keys = STRV_INIT, mounts = STRV_INIT, bodies = STRV_INIT, used = STRV_INIT;
	int r = cache_names(st, CACHE_RESULTS, &keys);

	if (r == 0)
		r = cache_names(st, CACHE_MOUNTS, &mounts);
	if (r == 0)
		r = cache_names(st, CACHE_BODIES, &bodies);
	if (r == 0)
		r = layer_users(st, &used);
	p->records = cache_dir(st, CACHE_RESULTS);
	p->mounts = cache_dir(st, CACHE_MOUNTS);
	p->bodies = cache_dir(st, CACHE_BODIES);
	err_drop(); /* what is not there holds nothing */
	for (size_t i = 0; r == 0 && i < keys.n; i++)
		r = add_record(st, p, &used, keys.v[i]);
	for (size_t i = 0; r == 0 && i < mounts.n; i++) {
		AUTO_FREE char *lock_name = xasprintf("%s" CACHE_LOCK_SUFFIX, mounts.v[i]);
		AUTO(tree_size_done) struct tree_size size = {0};

		if (strstr(mounts.v[i], CACHE_LOCK_SUFFIX))
			continue;
		r = tree_size_add(p->mounts, mounts.v[i], &size);
		if (r == 0)
			add_piece(p, mounts.v[i], PIECE_MOUNT, size.disk)->used_ns = cache_used_ns(
				p->mounts, lock_name);
	}
	for (size_t i = 0; r == 0 && i < bodies.n; i++)
		add_body(p, bodies.v[i]);
	return r;
}

static int by_use(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->used_ns > y->used_ns) - (x->used_ns < y->used_ns);
}

/* Nothing is chosen by kind or name: then what has neither goes as well. */
static bool is_whole(const struct cache_choice *c)
{
	return !c->no_results && !c->no_mounts && !c->id;
}

/* What a filter leaves out stays with all that shares its layer. */
static bool may_go(const struct cache_limits *l, const struct piece *p)
{
	if (p->kind == PIECE_BODY)
		return is_whole(&l->only) && (!l->only.before_ns || p->used_ns < l->only.before_ns);
	if (p->kind == PIECE_MOUNT)
		return cache_choice_has(&l->only, p->name, true, p->used_ns);
	for (size_t i = 0; i < p->keys.n; i++)
		if (!cache_choice_has(&l->only, p->keys.v[i], false, p->used_ns))
			return false;
	return true;
}

static int drop_piece(struct store *st, struct pieces *p, const struct piece *piece,
		      const struct cache_limits *l, struct strv *layers, struct cache_pruned *ret)
{
	int r;

	if (piece->kind == PIECE_BODY) {
		if (unlinkat(p->bodies, piece->name, 0) < 0 && errno != ENOENT)
			return err_new(-errno, "remove cache/" CACHE_BODIES "/%s", piece->name);
		return 0;
	}
	if (piece->kind == PIECE_MOUNT) {
		r = drop_mount(st, p->mounts, piece->name);
		if (r == 0) {
			ret->mounts++;
			tell(l, piece->name);
		}
		return r;
	}
	for (size_t i = 0; i < piece->keys.n; i++)
		if (unlinkat(p->records, piece->keys.v[i], 0) < 0 && errno != ENOENT)
			return err_new(-errno, "remove cache/" CACHE_RESULTS "/%s",
				       piece->keys.v[i]);
	for (size_t i = 0; i < piece->keys.n; i++)
		tell(l, piece->keys.v[i]);
	ret->records += (unsigned)piece->keys.n;
	strv_add(layers, piece->name);
	return 0;
}

/* How much may stay. */
static uint64_t bound(struct store *st, const struct cache_limits *l, uint64_t have)
{
	uint64_t max = l->max_bytes, free_bytes;
	struct statvfs v;

	if (!l->min_free_bytes || fstatvfs(store_fd(st, STORE_CACHE), &v) < 0)
		return max;
	free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	if (free_bytes >= l->min_free_bytes)
		return max;
	have -= have < l->min_free_bytes - free_bytes ? have : l->min_free_bytes - free_bytes;
	return have < max ? have : max;
}

static int prune_to_size(struct store *st, const struct cache_limits *l, struct cache_pruned *ret)
{
	AUTO(pieces_done) struct pieces p = {.records = -EBADF, .mounts = -EBADF, .bodies = -EBADF};
	AUTO_STRV struct strv layers = STRV_INIT;
	uint64_t left, max;
	int r = find_pieces(st, &p);

	if (p.n)
		qsort(p.v, p.n, sizeof(*p.v), by_use);
	left = p.bytes;
	max = bound(st, l, left);
	if (max < l->least_bytes)
		max = l->least_bytes;
	for (size_t i = 0; r == 0 && i < p.n && left > max; i++) {
		if (!may_go(l, &p.v[i]))
			continue;
		r = drop_piece(st, &p, &p.v[i], l, &layers, ret);
		if (r == -EWOULDBLOCK)
			r = 0;
		else
			left -= p.v[i].bytes;
	}
	return r < 0 || !layers.n ? r : layer_remove_unused(st, &layers);
}

/* --- all --------------------------------------------------------------------------------------------- */

static int prune(struct store *st, const struct cache_limits *l, struct cache_pruned *ret)
{
	const struct cache_choice *c = &l->only;
	const bool whole = is_whole(c);
	int r;

	if (l->has_max)
		return prune_to_size(st, l, ret);
	r = c->no_results ? 0 : prune_records(st, l, ret);
	/* Layers of builds and pulls that were given up stand in no record. */
	if (r == 0 && l->all && whole && !c->before_ns)
		r = layer_remove_unused(st, NULL);
	if (r == 0 && !c->no_mounts)
		r = prune_mounts(st, l, ret);
	if (r < 0 || !whole)
		return r;
	r = prune_notes(st, CACHE_WHY, c->before_ns);
	if (r == 0)
		r = prune_notes(st, CACHE_URLS, c->before_ns);
	if (r == 0)
		r = prune_notes(st, CACHE_BODIES, c->before_ns);
	return r < 0 ? r : prune_notes(st, CACHE_STAT, c->before_ns);
}

int cache_prune(struct store *st, const struct cache_limits *l, struct cache_pruned *ret)
{
	struct cache_pruned done = {0};
	AUTO_CLOSE int lock = -EBADF;
	int r = l->has_max && !base_is_entered() ? base_enter_own(store_runtime_fd(st)) : 0;

	if (r == 0)
		lock = store_lock(st, true);
	if (r == 0)
		r = lock < 0 ? lock : prune(st, l, &done);
	if (r == 0)
		*ret = done;
	return r < 0 ? err_wrap(r, "build cache") : 0;
}
