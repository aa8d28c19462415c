/* SPDX-License-Identifier: MIT */
/* Removing images: by a name, by id, and all that nobody needs. */
#pragma once
#include "pkg/base/strv.h"
#include "storage/store.h"

struct image_removal {
	struct strv untagged; /* names that went */
	char id[65]; /* the image that went, or "" when it has other names */
};
void image_removal_done(struct image_removal *r);

/**
 * image_remove() - drop the name; with its last one the image and the layers only it used go
 * By id or digest: the image with all its names, but several only with @force. -CE_IN_USE when a
 * container was made from an image that would go. @ret_id: the image that the name stands for.
 */
int image_remove(struct store *st, const char *name, bool force, struct image_removal *ret,
		 char ret_id[65]);
/** image_remove_id() - the same, for a full id. */
int image_remove_id(struct store *st, const char *id, bool force, struct image_removal *ret);

/**
 * image_prune() - remove images without a name (@all: every one) that no container uses
 * @filters: as of image_list(). Also layers that nothing needs. @ret_ids: what went.
 *
 * What a manifest list names stays; with @all and without a filter the lists go first.
 */
int image_prune(struct store *st, bool all, const struct strv *filters, struct strv *ret_ids);
