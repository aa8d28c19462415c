/* SPDX-License-Identifier: MIT */
/* --mount type=artifact: files that a registry keeps, read-only. */
#pragma once
#include "pkg/container/record.h"

struct store;

/** mount_is_artifact() - does @spec have that type? */
bool mount_is_artifact(const char *spec);
/**
 * mounts_add_artifact() - type=artifact,src=NAME,dst=PATH[,digest=D|,title=T][,name=N]
 * One file is @dst itself, unless that ends with a slash; several are in the directory @dst by their
 * titles, or as N-0, N-1 …. What the artifact is, is decided now; it must still be there at each start.
 */
int mounts_add_artifact(struct store *st, struct container_record *r, const char *spec);
