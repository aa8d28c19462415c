/* SPDX-License-Identifier: MIT */
/* `image mount`: the files of an image, to read, in the mount namespace of a "cuddy unshare" session. */
#pragma once
#include <stdbool.h>

#include "storage/image_store.h"

/** image_mount() - a no-op when it is mounted. */
int image_mount(struct store *st, const char *id, const struct strv *diffids);
/** image_unmount() - -CE_BAD_STATE when it is not mounted here; @force: also while it is in use. */
int image_unmount(struct store *st, const char *id, bool force);
/** image_mounts() - ids of what is mounted here, removed images too; sorted. */
int image_mounts(struct store *st, struct strv *ret);
bool image_is_mounted(struct store *st, const char *id);
/** image_mount_point() - absolute path; malloc'ed. */
char *image_mount_point(struct store *st, const char *id);
