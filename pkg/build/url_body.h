/* SPDX-License-Identifier: MIT */
/*
 * What URLs of contexts and Containerfiles gave: cache/bodies/<SHA-256 of it>, for when the server says that it is
 * still so (url_note.h). Steps need no such copies, their results are kept; a context is needed whole each time.
 * Whatever a power loss left is looked at before it is used.
 */
#pragma once
#include "pkg/build/cache.h"

#define CACHE_BODIES "bodies"

/** url_body_take() - 1: @fd, an empty file, has it now, and is at its beginning; 0: there is none. */
int url_body_take(struct store *st, const char *digest, int fd);
/** url_body_put() - all of @fd, which is at its beginning then. */
int url_body_put(struct store *st, const char *digest, int fd);
