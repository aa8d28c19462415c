/* SPDX-License-Identifier: MIT */
/*
 * Digests of a context's files by what stat says of them, so that a build reads only what changed
 * since the last one: cache/stat/<device>-<inode of the context>. A file that was changed in the last
 * two seconds is not remembered: it could be changed again without its times telling.
 */
#pragma once
#include <sys/stat.h>

#include "storage/store.h"

struct stat_cache;

/** stat_cache_open() - what is known below the directory @root; never fails, it may know nothing. */
struct stat_cache *stat_cache_open(struct store *st, int root);
/** stat_cache_find() - the digest of the file that @s is about: true and 64 hex digits, or false. */
bool stat_cache_find(const struct stat_cache *c, const struct stat *s, char ret_hex[65]);
/** stat_cache_add() - it was read, and was as @s says before and after. */
void stat_cache_add(struct stat_cache *c, const struct stat *s, const char *hex);
/** stat_cache_close() - keep what is new. NULL is fine. */
void stat_cache_close(struct stat_cache *c);

#define CACHE_STAT "stat"
