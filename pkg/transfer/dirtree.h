/* SPDX-License-Identifier: MIT */
/*
 * The directories of a tree being extracted. The tree starts empty and only we write to it, so this
 * is the whole truth: what is not here is not a directory. A node is reached by (parent, name); its
 * descriptor is opened on demand, one component below its parent's, never through a link, and kept
 * while it is among the last used ones.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "pkg/base/sbuf.h"

#define DIR_ROOT 0U
#define DIR_NONE UINT32_MAX
#define DIR_FDS 64

struct dir_node {
	uint32_t parent, first_child, next_sibling, next_hash;
	uint32_t name; /* offset in names */
	uint32_t gid;
	int32_t fd; /* negative: closed */
	uint16_t depth;
	bool dead, listed, has_time, setgid;
	struct timespec mtime;
};

struct dirtree {
	struct dir_node *v;
	uint32_t n, cap;
	uint32_t *heads, n_heads; /* hash chains */
	struct sbuf names;
	uint32_t open[DIR_FDS]; /* nodes that hold a descriptor, used as a ring */
	unsigned next_open;
};

void dirtree_init(struct dirtree *t, int root_fd); /* @root_fd stays the caller's */
void dirtree_done(struct dirtree *t);
uint32_t dirtree_child(const struct dirtree *t, uint32_t parent, const char *name);
/** dirtree_add() - a directory that was just made; -CE_LIMIT when too deep or names use too much memory. */
int dirtree_add(struct dirtree *t, uint32_t parent, const char *name, uint32_t *ret);
/** dirtree_remove() - @node and all below it are gone. */
void dirtree_remove(struct dirtree *t, uint32_t node);
/** dirtree_fd() - a readable descriptor, valid until DIR_FDS further ones were asked for. */
int dirtree_fd(struct dirtree *t, uint32_t node);
const char *dirtree_name(const struct dirtree *t, uint32_t node);
/** dirtree_path() - relative to the root, appended to @out; "." for the root. */
void dirtree_path(const struct dirtree *t, uint32_t node, struct sbuf *out);
