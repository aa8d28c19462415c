/* SPDX-License-Identifier: MIT */
/*
 * Which index or manifest a tag stood for when the build first pulled it: all its stages and platforms get that, also
 * when somebody moves the tag meanwhile. "name digest" lines in a file without a name; builds of several platforms,
 * one after the other, share it.
 */
#pragma once
#include "pkg/build/builder.h"
#include "pkg/oci/digest.h"

/** tag_digest_find() - 1 and @ret, or 0 and "". */
int tag_digest_find(struct builder *b, const char *name, char ret[DIGEST_TEXT_MAX]);
int tag_digest_note(struct builder *b, const char *name, const char *digest);
