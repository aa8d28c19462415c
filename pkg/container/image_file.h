/* SPDX-License-Identifier: MIT */
/* A small file of an image, read where its layers lie: nothing is mounted. */
#pragma once
#include <stddef.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

struct store;

/**
 * image_file_read() - @path (relative) of the topmost of @layers (diffIDs, bottom first) that has it, after @out
 * 0; -ENOENT: none has it, or one deleted it; or why it cannot be read, as when only other ids may.
 */
int image_file_read(struct store *st, const struct strv *layers, const char *path, size_t max,
		    struct sbuf *out);
