/* SPDX-License-Identifier: MIT */
/*
 * How a layer says that what lies below it is not there. Overlay's own marks are character devices 0:0
 * and an attribute of opaque directories; where a file system can hold neither, files with the names
 * that they have in archives stand for them, as fuse-overlayfs reads and writes them too.
 */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>

#define WHITEOUT ".wh."
#define WHITEOUT_META ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define OPAQUE_XATTR "user.overlay.opaque"

/** whiteout_is() - overlay's mark that a name is deleted. */
bool whiteout_is(const struct stat *st);
/** whiteout_names() - the name that the file @name says is deleted; NULL when it is an ordinary one. */
const char *whiteout_names(const char *name);
/** whiteout_stands_for() - is there a file in @dir that says so of @name? */
bool whiteout_stands_for(int dir, const char *name);
/** whiteout_is_opaque() - does @dir (O_RDONLY) hide all that lower layers have there? */
bool whiteout_is_opaque(int dir);
