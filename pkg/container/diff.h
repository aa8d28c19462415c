/* SPDX-License-Identifier: MIT */
/* What a container changed of its image, an image's last layer of those below, or one of another. */
#pragma once
#include "pkg/image/tree_diff.h"

struct store;

enum diff_of { DIFF_ANY, DIFF_CONTAINER, DIFF_IMAGE };

/**
 * diff_objects() - from what @name was made of to @name, or from @against (any object) when not NULL
 * Enters B. Where overlay keeps apart what changed, only that is looked at.
 */
int diff_objects(struct store *st, enum diff_of of, const char *name, const char *against,
		 struct tree_changes *ret);
