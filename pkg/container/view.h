/* SPDX-License-Identifier: MIT */
/*
 * A container's root file system to read, running or not: what it has of the image and what it
 * changed, without its volumes and without the mount points that every container gets. Nothing is
 * started, nothing of the container is executed (threats R16).
 */
#pragma once
#include "pkg/archive/tree_tar.h"
#include "pkg/container/container.h"

struct container_view {
	int root; /* O_RDONLY; owners are as B has them */
	int upper; /* what it changed, in overlay's format; -EBADF where that is not kept apart */
	struct strv lower; /* directories of the image, topmost first; may be empty */
	int64_t copied; /* driver vfs: when root was made of lower (tree_diff.h) */
	struct tree_ids *uids, *gids; /* from B's ids to the container's */
	unsigned n_uids, n_gids;
	bool single_id;
	bool fuse; /* names with .wh. in upper, and maybe in root, are fuse-overlayfs's own */
};
#define CONTAINER_VIEW_INIT                     \
	{                                       \
		.root = -EBADF, .upper = -EBADF \
	}

struct rt_idmap;
/** container_ids() - the same in another library's words; malloc'ed. */
struct tree_ids *container_ids(const struct rt_idmap *m, unsigned n);

/** container_view_open() - moves this process into B: open what you need of the host first. */
int container_view_open(struct store *st, const struct container *c, struct container_view *ret);
void container_view_done(struct container_view *v);

/** container_export() - all of it as tar to @fd. */
int container_export(struct store *st, const struct container *c, int fd);
