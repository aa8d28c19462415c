/* SPDX-License-Identifier: MIT */
/* What a tree of files takes. */
#pragma once
#include <stdint.h>

#include "pkg/base/inode_map.h"

struct tree_size {
	uint64_t disk; /* bytes allocated, directories included, hard links once: what du says */
	uint64_t files; /* the lengths of regular files under each of their names */
	struct inode_map links; /* seen so far: one struct may count several trees */
};
void tree_size_done(struct tree_size *s);

/**
 * tree_size_add() - count @name below @dir, whatever it is; nothing when it is not there
 * In B, when it holds other ids' directories. Links are not followed, nor mounts left out. What
 * changes meanwhile is counted or not.
 */
int tree_size_add(int dir, const char *name, struct tree_size *s);
/** tree_size_add_self() - the directory @dir alone, without what is in it. */
int tree_size_add_self(int dir, struct tree_size *s);
