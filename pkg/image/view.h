/* SPDX-License-Identifier: MIT */
/* The files of an image, layers on top of each other, to read. In B. */
#pragma once
#include <stdbool.h>

#include "storage/layer.h"

/**
 * image_view_dirs() - what @dirs, topmost first, show together; a directory descriptor
 * By whatever this store's file system allows: the kernel's overlay, fuse-overlayfs, or a copy, which
 * goes when this process exits. An upper directory may be the first of them in the first two cases.
 */
int image_view_dirs(struct store *st, const struct strv *dirs);
/** image_view() - of the lowest @n of @diffids. A directory descriptor; -EBADF without trail for none. */
int image_view(struct store *st, const struct strv *diffids, size_t n);
/** image_layer() - one layer by itself, in overlay's format or with file marks. */
int image_layer(struct store *st, const char *diffid);
