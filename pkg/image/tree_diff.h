/* SPDX-License-Identifier: MIT */
/*
 * What is different between two directory trees: names, kinds, owners, modes, devices; of files also
 * size and time, as podman and docker do it. Contents are not read. Of a directory only what changed
 * itself or has a change below is told; a directory that is gone is one line.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tree_change_kind { TREE_CHANGED, TREE_ADDED, TREE_DELETED };

struct tree_change {
	enum tree_change_kind kind;
	char *path; /* absolute */
};

struct tree_changes {
	struct tree_change *v; /* directories before what is in them, names in byte order */
	size_t n, cap;
};
void tree_changes_done(struct tree_changes *c);

/**
 * tree_diff() - from @before to @after; -EBADF for a tree with nothing in it
 * @guide: a layer or upper directory of overlay that made the one of the other: only what it names is
 * looked at. -EBADF: all. @hide_markers: names with .wh. are marks, or fuse-overlayfs's own.
 * @copied: when @before's files were copied to @after, in seconds: a file changed since then with the
 * same size and time is compared by content. 0: not a copy.
 * In B, where modes do not keep us out.
 */
int tree_diff(int before, int after, int guide, bool hide_markers, int64_t copied,
	      struct tree_changes *ret);
