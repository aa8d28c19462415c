/* SPDX-License-Identifier: MIT */
/* `mount`: a container's root file system in the mount namespace of a "cuddy unshare" session. */
#pragma once
#include "pkg/container/container.h"

/** container_mount() - of a running one what its processes see, without its volumes; a no-op when it is mounted. */
int container_mount(struct store *st, struct container *c);
/** container_unmount() - -CE_BAD_STATE when it is not mounted here; @force: also while it is in use. */
int container_unmount(struct store *st, struct container *c, bool force);
bool container_is_mounted(const struct container *c);
/** container_mount_point() - malloc'ed. */
char *container_mount_point(const struct container *c);
