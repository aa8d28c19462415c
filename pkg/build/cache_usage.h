/* SPDX-License-Identifier: MIT */
/* What the build cache takes on disk, as a kind of its own in `system df`. */
#pragma once
#include "pkg/build/cache.h"
#include "pkg/container/usage.h"

/**
 * cache_usage() - add a row to @u->kinds
 * Results are what no image and no container needs; their caches and notes count, too.
 * @ret_rows: of each result and cache CacheID CacheType Size Created LastUsed Shared; may be NULL.
 * @only: which of them have such a row; NULL: all. What all take is counted in any case.
 */
int cache_usage(struct store *st, struct usage *u, const struct cache_choice *only,
		struct json_object **ret_rows);
