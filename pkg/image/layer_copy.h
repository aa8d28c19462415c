/* SPDX-License-Identifier: MIT */
/* What was changed over an image, by copying, as the tree of a layer to be. In B. */
#pragma once
#include "pkg/archive/tree_put.h"
#include "storage/store.h"

struct layer_copy {
	int from; /* an upper directory, or what shows all */
	/*
	 * Not NULL: @from is a copy of what these directories show together, made at @copied
	 * (tree_diff.h), and the layer is what is different in it.
	 */
	const struct strv *before;
	int64_t copied;
	const struct tree_tar_options *read; /* but for its "only" */
	bool single_id;
};

/** layer_copy() - into @to, the empty tree of a layer's stage; with marks as this store has them. */
int layer_copy(struct store *st, const struct layer_copy *c, int to, uint64_t *ret_bytes);
