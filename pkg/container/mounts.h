/* SPDX-License-Identifier: MIT */
/*
 * -v, --mount and --tmpfs values to checked mount_specs. Nothing is touched: a missing bind source
 * is found here by a look only. Relative sources are resolved against the working directory.
 * All return 0 or a usage error that names the value, what is wrong and what to write instead.
 */
#pragma once
#include "pkg/container/record.h"

/* [SRC|VOL:]DST[:OPTS]; @create: a source that is missing becomes a directory when the container is made */
int mounts_add_volume(struct container_record *r, const char *spec, bool create);
int mounts_add_mount(struct container_record *r,
		     const char *spec); /* type=…,src=…,dst=…; glob: several */
int mounts_add_tmpfs(struct container_record *r, const char *spec); /* DST[:OPTS] */
/** mounts_add_held() - the volume @name, for the containers of a pod that mount it (mount_spec.held). */
int mounts_add_held(struct container_record *r, const char *name);
/** mounts_add_image_volume() - a VOLUME of the image; skipped when something is mounted there. @how: bind (anonymous volume), tmpfs, ignore. */
int mounts_add_image_volume(struct container_record *r, const char *target, const char *how);
/** mounts_from_name() - the container that a --volumes-from value names; malloc'ed. */
char *mounts_from_name(const char *spec);
/**
 * mounts_add_from() - the binds, volumes and images of @other, for --volumes-from
 * @n_from: how many mounts of @r came like this; 0 before the first. Called after what was asked for
 * by itself and before the volumes of the image.
 */
int mounts_add_from(struct container_record *r, const char *spec,
		    const struct container_record *other, unsigned *n_from);
/** mounts_check() - duplicates, forbidden targets (R05), U on a home or on the system (C08); orders parents before children. */
int mounts_check(struct container_record *r);
