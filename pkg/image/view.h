/* SPDX-License-Identifier: MIT */
/* The files of an image, layers on top of each other, to read. In B. */
#pragma once
#include <stdbool.h>

#include "storage/layer.h"

/** image_view() - of the lowest @n of @diffids. A directory descriptor; -EBADF without trail for none. */
int image_view(struct store *st, const struct strv *diffids, size_t n);
/** image_view_to_run() - of all of them and the mount points that every container gets. */
int image_view_to_run(struct store *st, const struct strv *diffids);
/** image_layer() - one layer by itself, in overlay's format. */
int image_layer(struct store *st, const char *diffid);
/** image_layer_hides() - the directory @dir of a layer is opaque: nothing below it in lower layers is seen. */
bool image_layer_hides(int dir);
