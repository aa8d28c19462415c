/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/base/strv.h"
#include "pkg/build/copy.h"

#define COPY_DEPTH_MAX 400

/** copy_skips() - is this entry left out? @path: below the source's root; @rel: below what was named. */
bool copy_skips(const struct copy_rules *c, const char *path, const char *rel, bool directory);
/** copy_list() - sorted names in the directory @fd. */
int copy_list(int fd, struct strv *ret);
char *copy_below(const char *dir, const char *name);
/** copy_open_parent() - directory of @path in the source, and the last name ("." for the root). */
int copy_open_parent(int source, const char *path, const char **ret_name);
/** copy_is_whiteout() - a mark of overlay in a single layer's own directory, which is no file. */
bool copy_is_whiteout(const struct stat *st);
