/* SPDX-License-Identifier: MIT */
/* Copying a layer's tree under other owners. Private to storage/. */
#pragma once
#include "storage/layer.h"

/**
 * owned_tree_copy() - @from (a layer's tree) to the new directory @name below @dir
 * Content, modes, times, hard links, attributes, whiteouts; owners by the map. In B.
 */
int owned_tree_copy(const char *from, int dir, const char *name, const struct layer_ids *ids);
