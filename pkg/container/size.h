/* SPDX-License-Identifier: MIT */
/* What a container takes on disk, for --size. */
#pragma once
#include "pkg/container/container.h"

struct container_size {
	uint64_t rw; /* bytes of regular files in the writable layer */
	uint64_t root_fs; /* the same and the image's layers */
};

/**
 * container_size() - look at every file of the writable layer, so it takes its time
 * Moves the process into the base namespace: other ids' directories are closed to us. What changes
 * meanwhile is counted or not.
 */
int container_size(struct store *st, const char *id, struct container_size *ret);
