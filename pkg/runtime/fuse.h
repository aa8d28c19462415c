/* SPDX-License-Identifier: MIT */
/* fuse-overlayfs as a container's root. The theory stands in fuse.c. */
#pragma once
#include "pkg/runtime/plan.h"

struct fuse_server {
	pid_t pid;
	int pidfd; /* -EBADF: none */
	int words_fd; /* what it wrote to standard error */
};

/** fuse_open_device() - I's side: in the user namespace that will mount it, while the host's /dev is there. */
int fuse_open_device(void);
/** fuse_mount() - I's side: mount, hand @device over @sock. Nobody answers before M has started the server. */
int fuse_mount(int *device, int sock, const char *target);
/** fuse_server_start() - M's side: take the mounted device from @sock and start the server on it. */
int fuse_server_start(const struct rt_plan *p, int sock, struct fuse_server *ret);
/** fuse_server_words() - the last line it wrote, "" when it said nothing. Static storage. */
const char *fuse_server_words(const struct fuse_server *s);
