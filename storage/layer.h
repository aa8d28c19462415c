/* SPDX-License-Identifier: MIT */
/*
 * Layers: one extracted directory per diffID, shared by all images that have it (build-and-images S3).
 * A tree holds overlay's own whiteouts (char 0:0) and user.overlay.opaque. A layer appears under
 * layers/ only complete, verified and synced.
 */
#pragma once
#include <stdint.h>

#include "storage/store.h"

struct layer_record {
	char *blob_digest;      /* as downloaded; NULL for local ones */
	char *media_type;
	uint64_t blob_bytes;
	uint64_t tree_bytes;    /* sum of regular file sizes */
	struct strv implied;    /* directories the archive did not list (S5), relative paths */
};
void layer_record_done(struct layer_record *r);

/* @diffid: 64 hex digits everywhere in this header. */
bool layer_exists(struct store *st, const char *diffid);
int layer_record_load(struct store *st, const char *diffid, struct layer_record *ret);

struct layer_stage {
	char *name;             /* below staging/ */
	int tree_fd;            /* O_RDONLY directory to extract into */
	int lock_fd;            /* proves that the maker lives */
};
/** layer_stage_begin() - an empty directory to extract into. In B. */
int layer_stage_begin(struct store *st, struct layer_stage *ret);
/** layer_stage_commit() - sync, write the record, rename into place. Losing a race to an equal layer is success. */
int layer_stage_commit(struct store *st, struct layer_stage *s, const char *diffid, const struct layer_record *rec);
/** layer_stage_abort() - remove what was extracted; also after a failed commit. Safe on a zeroed or committed one. */
void layer_stage_abort(struct store *st, struct layer_stage *s);

/** layer_lock() - wait for and hold the per-digest lock that makes concurrent pulls share one download (S7). Returns an fd. */
int layer_lock(struct store *st, const char *diffid);

/**
 * layer_stack() - directories to give to overlay for these layers, topmost first, ending in the
 * placeholder layer (mount points etc/hosts, proc, sys, dev …), fix-up layers for implied
 * directories included. @diffids: bottom first, as in an image config.
 */
int layer_stack(struct store *st, const struct strv *diffids, struct strv *ret_dirs);
