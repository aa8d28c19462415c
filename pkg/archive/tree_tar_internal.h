/* SPDX-License-Identifier: MIT */
/* What the walk wants to know of a file beyond stat(). */
#pragma once
#include "pkg/archive/tar.h"

struct tree_attrs {
	struct tar_xattr v[TAR_XATTRS_MAX]; /* for the archive, sorted by name */
	unsigned n;
	bool opaque, whiteout; /* overlay's own */
	bool has_owner; /* extraction recorded one */
	uint32_t uid, gid, mode;
};

void tree_attrs_reset(struct tree_attrs *a);
void tree_attrs_done(struct tree_attrs *a);
/** tree_attr_is_content() - not a command to overlay or a store. */
bool tree_attr_is_content(const char *name);
/** tree_attrs_read() - of @fd, which is open for reading; @path for messages. */
int tree_attrs_read(struct tree_attrs *a, int fd, const char *path);
/** tree_enters() - does the walk go from @dir into its subdirectory @fd? 1, 0 or a code. */
int tree_enters(int dir, int fd, bool cross_mounts);
