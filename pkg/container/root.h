/* SPDX-License-Identifier: MIT */
/*
 * A container's root as its processes see it, volumes included, to read and to write: of a running
 * one its own mount namespace, entered by descriptor and never by path; of another one the same
 * file systems put together in ours. Nothing of the container is executed. Inside of it open things
 * through pkg/sys/open.h only.
 */
#pragma once
#include "pkg/archive/tree_tar.h"
#include "pkg/base/strv.h"
#include "pkg/container/container.h"

struct container_root {
	int fd; /* O_PATH */
	int lock; /* while it does not run nobody may start it */
	struct tree_ids *uids, *gids; /* from B's ids to the container's */
	unsigned n_uids, n_gids;
	bool single_id;
	struct strv fresh,
		lasting; /* of one that does not run: where a start mounts, and what we have there */
};
#define CONTAINER_ROOT_INIT                  \
	{                                    \
		.fd = -EBADF, .lock = -EBADF \
	}

/** container_root_open() - enters B; @c's state is looked at anew. */
int container_root_open(struct store *st, struct container *c, struct container_root *ret);
void container_root_done(struct container_root *r);
/** container_root_may_put() - is @dir, or @name in it, where what is put is there at the next start? root_fresh.c */
int container_root_may_put(const struct container_root *r, int dir, const char *name);
/** container_root_mount() - in B, the file systems of one that does not run, over its upper directory; O_PATH. */
struct rt_root;
int container_root_mount(const struct rt_root *root);
/** container_root_creator() - 1 with ids to give to userns_create_as() before anything is made in it; 0: as we are. */
int container_root_creator(const struct container_root *r, uid_t *ret_uid, gid_t *ret_gid);
/** container_root_user() - the container's user as B has him: owner of what is copied into it. */
int container_root_user(const struct container_root *r, const struct container_record *rec,
			uid_t *ret_uid, gid_t *ret_gid);
