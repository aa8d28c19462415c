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
/**
 * cache_prune() - forget results, and the layers only they need; remove caches of RUN that are idle
 * @all: also results whose layers an image or container has. @before_ns: only what was not used
 * since; 0: whenever. No namespace needed: all goes to the trash.
 */
int cache_prune(struct store *st, bool all, int64_t before_ns, struct cache_pruned *ret);

#define CACHE_MOUNTS "mounts" /* below cache/: directories and their locks, held while in use */

#define CACHE_RECORDS "io.cuddy.build.cache" /* in a config: what steps led to */

#define CACHE_WHY "why" /* of each step's place, what its key was made of */

/* Pieces of a key: each is told apart from the next. */
void key_begin(struct sha256 *h, const char *kind);
void key_add(struct sha256 *h, const char *s); /* NULL is kept apart from "" */
void key_add_list(struct sha256 *h, const struct strv *v);
