/* SPDX-License-Identifier: MIT */
/*
 * An upper directory on its way to be a layer: marks that overlay or the container left in extended
 * attributes go, but for those that say something in a layer (threats B15).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** seal_is_empty() - 1, 0, or a code. */
int seal_is_empty(int tree);
/**
 * seal_tree() - @epoch_s: later modification times become this; negative: they stay
 * @files_are_ours: we made every file in it, so only directories can have marks.
 */
int seal_tree(int tree, int64_t epoch_s, bool files_are_ours);
