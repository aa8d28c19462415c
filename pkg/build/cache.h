/* SPDX-License-Identifier: MIT */
/*
 * What a step led to, by a digest of all that decides it: cache/build/<key>. Only our own records
 * count, so an image that merely says it was made so is never taken for one (threats B11). A record
 * whose layer is gone is no record.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/sha256.h"
#include "pkg/base/strv.h"
#include "storage/layer.h"

struct cache_record {
	char layer[65]; /* "": the step changed nothing */
	int64_t created_ns;
};

/** cache_find() - 1 and @ret, or 0. A layer found is under @lease. */
int cache_find(struct store *st, const char *key, struct layer_lease *lease,
	       struct cache_record *ret);
int cache_put(struct store *st, const char *key, const struct cache_record *r);
/** cache_put_first() - the same, unless there is one that holds: then @rec becomes that. */
int cache_put_first(struct store *st, const char *key, struct layer_lease *lease,
		    struct cache_record *rec);

struct cache_pruned {
	unsigned records, mounts; /* how many went */
};
/* Which of what is kept: all that is not left out. */
struct cache_choice {
	bool no_results, no_mounts;
	const char *id; /* NULL, or how its id begins */
	int64_t before_ns; /* only what was not used since; 0: whenever */
};
/**
 * cache_choice_parse() - BuildKit's filters: type=regular|exec.cachemount, id=ID, until=TIME
 * Other types of BuildKit's are of what is not kept here, and choose nothing. @ret->id is of @filters.
 */
int cache_choice_parse(const struct strv *filters, struct cache_choice *ret);
bool cache_choice_has(const struct cache_choice *c, const char *id, bool is_mount, int64_t used_ns);

struct cache_limits {
	struct cache_choice only;
	bool all; /* also results whose layers an image or container has */
	bool has_max; /* only what was not used longest, until no more than max_bytes are left */
	uint64_t max_bytes;
	uint64_t min_free_bytes; /* of the file system: for that, too */
	uint64_t least_bytes; /* never less than that */
	struct strv *told; /* NULL, or gets the ids of what went */
};
/**
 * cache_prune() - forget results, and the layers only they need; remove caches of RUN that are idle
 * All goes to the trash. With a size it enters B, to see how large the caches of RUN are; without one
 * only for caches that belong to another id.
 */
int cache_prune(struct store *st, const struct cache_limits *l, struct cache_pruned *ret);

/* What is kept without being asked: see cache_tend_later(). */
struct cache_policy {
	bool by_default; /* nobody set it: looked at once an hour, and each minute while room is short */
	int64_t age_ns; /* 0: however old */
	uint64_t max_bytes; /* 0: however much */
	uint64_t min_free_bytes; /* of the store's file system; 0: however little */
	uint64_t least_bytes; /* that much stays however little is free */
};
/** cache_policy_default() - a tenth of the store's file system, at least 10 GB; of less than a twentieth free, 1 GB. */
void cache_policy_default(struct store *st, struct cache_policy *ret);
/**
 * cache_tend_later() - let a child settle layers, drop what the policy does not keep, empty the trash
 * Like layer_settle_later(): after the caller has reported. @made: something new came into the cache.
 */
void cache_tend_later(struct store *st, const struct cache_policy *p, bool made);

/* What there is, for those who show it. */
struct cache_item {
	char *id; /* key, or name of a directory */
	bool is_mount;
	char layer[65]; /* "" for mounts and what changed nothing */
	int64_t created_ns, used_ns;
};
/** cache_list() - malloc'ed, the last used first. */
int cache_list(struct store *st, struct cache_item **ret, size_t *ret_n);
void cache_list_free(struct cache_item *v, size_t n);

/** cache_dir() - one of the cache's directories, a descriptor; -ENOENT when there is none. */
int cache_dir(struct store *st, const char *name);
/** cache_dir_make() - the same, made when there is none. */
int cache_dir_make(struct store *st, const char *name);

#define CACHE_RESULTS "build" /* below cache/: of each step's key, what it led to */

#define CACHE_MOUNTS "mounts" /* below cache/: directories and their locks, held while in use */

#define CACHE_RECORDS "io.cuddy.build.cache" /* in a config: what steps led to */

#define CACHE_SECRET "secret" /* a key that only this store has */

#define CACHE_WHY "why" /* of each step's place, what its key was made of */

/* Pieces of a key: each is told apart from the next. */
void key_begin(struct sha256 *h, const char *kind);
void key_add(struct sha256 *h, const char *s); /* NULL is kept apart from "" */
void key_add_list(struct sha256 *h, const struct strv *v);
