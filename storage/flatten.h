/* SPDX-License-Identifier: MIT */
/* Layers put together by copying: what overlay would show of them, as a plain tree. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/strv.h"

/**
 * layer_flatten() - fill the empty directory @to
 * @dirs: as from layer_stack(), topmost first. Owners, modes, times, user attributes, file capabilities
 * and hard links within a layer are kept. In B.
 * @ret_bytes: sum of the sizes of regular files.
 */
int layer_flatten(const struct strv *dirs, int to, uint64_t *ret_bytes);
/** layer_flatten_pointing() - the same, but files whose content is elsewhere (pkg/sys/overlay_data.h) go on pointing there. */
int layer_flatten_pointing(const struct strv *dirs, int to);
/** layer_merge() - the same of layers that stand on others: what they hide of those stays hidden, by overlay's marks or files in their place. */
int layer_merge(const struct strv *dirs, int to, bool file_marks, uint64_t *ret_bytes);
