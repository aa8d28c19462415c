/* SPDX-License-Identifier: MIT */
/*
 * -v, --mount and --tmpfs values to checked mount_specs. Nothing is touched: a missing bind source
 * is found here by a look only. Relative sources are resolved against the working directory.
 * All return 0 or a usage error that names the value, what is wrong and what to write instead.
 */
#pragma once
#include "pkg/container/record.h"

int mounts_add_volume(struct container_record *r, const char *spec); /* [SRC|VOL:]DST[:OPTS] */
int mounts_add_mount(struct container_record *r, const char *spec); /* type=…,src=…,dst=… */
int mounts_add_tmpfs(struct container_record *r, const char *spec); /* DST[:OPTS] */
/** mounts_add_image_volume() - a VOLUME of the image; skipped when something is mounted there. @how: bind (anonymous volume), tmpfs, ignore. */
int mounts_add_image_volume(struct container_record *r, const char *target, const char *how);
/** mounts_check() - duplicates, forbidden targets (R05), U on a home or on the system (C08); orders parents before children. */
int mounts_check(struct container_record *r);
