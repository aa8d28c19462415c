/* SPDX-License-Identifier: MIT */
/* The content of files: the one place that knows how a file system copies. */
#pragma once
#include <stdbool.h>

/* What turned out not to be possible between two trees, so that it is not asked for each file of them. */
struct copy_way {
	bool no_share, no_range;
};

/** copy_share() - let the empty file @to have the blocks of @from; false: it cannot be. @w: or NULL. */
bool copy_share(struct copy_way *w, int from, int to);
/**
 * copy_content() - all of @from, from its offset (its beginning), into the empty file @to
 * Shares the blocks where the file system can, else lets the kernel copy. Return: 0 or a code with a trail.
 */
int copy_content(struct copy_way *w, int from, int to);
