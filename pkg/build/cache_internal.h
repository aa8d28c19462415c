/* SPDX-License-Identifier: MIT */
/* Between the files that look at all of the build cache. */
#pragma once
#include "pkg/build/cache.h"

#define CACHE_LOCK_SUFFIX ".lock"

/** cache_names() - of one of its directories, sorted; none when there is no such. */
int cache_names(struct store *st, const char *name, struct strv *ret);
/** cache_used_ns() - when @name was used last; of something that went meanwhile: INT64_MAX. */
int64_t cache_used_ns(int dir, const char *name);
/** cache_layer_of() - of the result @key; "" when it has none, or is no record at all. */
void cache_layer_of(int dir, const char *key, char ret_layer[65]);
