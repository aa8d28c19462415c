/* SPDX-License-Identifier: MIT */
/* fuse-overlayfs as a container's root, or to look at one. The theory stands in fuse.c. */
#pragma once
#include "pkg/runtime/plan.h"

struct fuse_server {
	pid_t pid;
	int pidfd; /* -EBADF: none */
	int words_fd; /* what it wrote to standard error */
	bool stays; /* set before: it outlives us, and ends with the mount */
};

/**
 * fuse_mount() - a detached mount of @root, and its server. In B.
 * Without @root->upper it is read-only. Nothing in it can be opened before the server is up.
 */
int fuse_mount(const struct rt_root *root, struct fuse_server *ret);
/** fuse_check() - can /dev/fuse be opened? -CE_HOST_SETUP with the line that mends it. */
int fuse_check(void);
/** fuse_server_words() - the last line it wrote, "" when it said nothing. Static storage. */
const char *fuse_server_words(const struct fuse_server *s);

/**
 * fuse_open() - the same for whoever is no monitor: the root directory, O_RDONLY, once the server is up
 * The server ends with the last descriptor of it, or with this process.
 * @ret_mount: NULL, or takes the detached mount.
 */
int fuse_open(const struct rt_root *root, int *ret_mount);
/**
 * fuse_leave() - a detached mount for somebody else: its server is up, and ends when the last of the mount goes
 * It is in no namespace that the mount will be in, so it does not keep that alive.
 */
int fuse_leave(const struct rt_root *root);
