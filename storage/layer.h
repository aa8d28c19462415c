/* SPDX-License-Identifier: MIT */
/*
 * Layers: one extracted directory per diffID, shared by all images that have it (build-and-images S3).
 * A tree holds overlay's own whiteouts (char 0:0) and user.overlay.opaque, or on a file system that
 * cannot (store_has_file_marks()) .wh. files in their place. A layer appears under
 * layers/ only complete and verified.
 *
 * Power loss: writing a gigabyte of layers to the disk takes longer than downloading it, so a commit
 * does not wait for that. It leaves a mark with the boot's id in the layer, which layer_settle()
 * takes away after a sync. A mark of another boot means that the machine went down in between: such
 * a layer does not exist, and is fetched again. Whoever commits layers therefore settles them: before
 * it says that it is done where they hold what nobody has otherwise (commit, import), and after that
 * where they can be fetched, loaded or built once more.
 */
#pragma once
#include <stdint.h>

#include "storage/store.h"

struct layer_record {
	char *blob_digest; /* as downloaded; NULL for local ones */
	char *media_type;
	uint64_t blob_bytes;
	uint64_t tree_bytes; /* sum of regular file sizes */
	uint64_t tar_bytes; /* of the uncompressed archive; 0: nobody counted */
	struct strv implied; /* directories the archive did not list (S5), relative paths */
	/*
	 * What the archive can be had from again (S1). For a commit: keep what was written to the stage;
	 * what is not kept is removed. When loaded: it is there.
	 */
	bool has_blob; /* as received, compressed; its digest is blob_digest */
	bool has_recipe; /* archive/recipe.h */
};
void layer_record_done(struct layer_record *r);

/* @diffid: 64 hex digits everywhere in this header. */
/** layer_exists() - complete and to be trusted. Stays true only under a lease or store_lock(). */
bool layer_exists(struct store *st, const char *diffid);
/** layers_are_lost() - did one of them go with a machine that went down before it was on the disk? */
bool layers_are_lost(struct store *st, const struct strv *diffids);
int layer_record_load(struct store *st, const char *diffid, struct layer_record *ret);

enum layer_file { LAYER_BLOB, LAYER_RECIPE };
/** layer_open() - one of a layer's files, read only. -ENOENT (no trail) when it has none. No namespace needed. */
int layer_open(struct store *st, const char *diffid, enum layer_file which);
/**
 * layer_adopt_blob() - @fd, a file without a name in staging/, becomes the archive of a layer without one
 * Its digest, media type and size go into the layer's record. Somebody hold the layer: a lease.
 */
int layer_adopt_blob(struct store *st, const char *diffid, int fd, const char *digest,
		     const char *media_type, uint64_t size);
/** layer_open_tree() - its directory. In B, where the files of subordinate ids can be read. */
int layer_open_tree(struct store *st, const char *diffid);
/** layer_open_data() - where the content of its files is when that is elsewhere (shared.h); -ENOENT (no trail) when it is in the tree. */
int layer_open_data(struct store *st, const char *diffid);

struct layer_stage {
	char *name; /* below staging/ */
	int tree_fd; /* O_RDONLY directory to extract into */
	int lock_fd; /* proves that the maker lives */
	int recipe_fd; /* O_WRONLY, empty; negative: none */
	bool in_use; /* somebody looks at the tree: also who loses the race keeps it, until layer_stage_abort() */
};
/** layer_stage_begin() - an empty directory to extract into. In B. */
int layer_stage_begin(struct store *st, struct layer_stage *ret);
/** layer_stage_blob() - the file for the archive as received; a descriptor (O_WRONLY). */
int layer_stage_blob(struct store *st, const struct layer_stage *s);
/** layer_stage_blob_path() - the same as a name below staging/; malloc'ed. */
char *layer_stage_blob_path(const struct layer_stage *s);
/** layer_stage_digests() - @fd, a file without a name in staging/, becomes the record of where which content is in the tree. */
int layer_stage_digests(struct store *st, const struct layer_stage *s, int fd);
/** layer_adopt_digests() - the same for a layer that is there; nothing when it has one. */
int layer_adopt_digests(struct store *st, const char *diffid, int fd);
/** layer_stage_commit() - write the record, rename into place. Losing a race to an equal layer is success. */
int layer_stage_commit(struct store *st, struct layer_stage *s, const char *diffid,
		       const struct layer_record *rec);
/** layer_stage_abort() - remove what was extracted; also after a failed commit. Safe on a zeroed or committed one. */
void layer_stage_abort(struct store *st, struct layer_stage *s);

/**
 * layer_settle() - sync the file system, unless storage.conf says not to, then take the marks of unsettled layers away
 * May take seconds: for a child in the background, after the pull was reported. No namespace needed.
 */
int layer_settle(struct store *st);
/** layer_settle_later() - the same in a child of its own, after the caller has reported; empties the trash, too. */
void layer_settle_later(struct store *st);

/*
 * A lease keeps layers that no image names yet from being removed: a puller adds every diffID it is
 * going to rely on, asks layer_exists() only afterwards, and ends the lease after image_store_put().
 * It is a locked file, so a killed puller's lease ends with it.
 */
struct layer_lease {
	char *name; /* below locks/ */
	int fd;
};
int layer_lease_begin(struct store *st, struct layer_lease *ret);
int layer_lease_add(struct store *st, struct layer_lease *l, const char *diffid);
void layer_lease_end(struct store *st, struct layer_lease *l); /* safe on a zeroed one */

/** layer_list() - diffIDs of all layers that are there, sorted. */
int layer_list(struct store *st, struct strv *ret);
/**
 * layer_users() - every diffID that an image, a container or a live lease needs, sorted, each once
 * With store_lock() exclusive. Fails rather than leave one out: who cannot know must not remove.
 */
int layer_users(struct store *st, struct strv *ret);
/** layer_remove_unused() - of @candidates (NULL: all) trash what nobody needs. With store_lock() exclusive. */
int layer_remove_unused(struct store *st, const struct strv *candidates);

/**
 * layer_try_lock() - hold the per-digest lock that makes concurrent pulls share one download (S7)
 * Return: a descriptor that holds it; -EWOULDBLOCK (no trail) when somebody else does.
 */
int layer_try_lock(struct store *st, const char *diffid);

/**
 * layer_stack() - directories to give to overlay for these layers, topmost first, ending in the
 * placeholder layer (mount points etc/hosts, proc, sys, dev …), fix-up layers for implied
 * directories included; then, for shared layers, where their content is (pkg/sys/overlay_data.h). @diffids: bottom first, as in an image config. What is missing of them is
 * made: see layer_stack_make().
 */
int layer_stack(struct store *st, const struct strv *diffids, struct strv *ret_dirs);
/** layer_stack_bare() - the same without the mount points: what the image itself shows. */
int layer_stack_bare(struct store *st, const struct strv *diffids, struct strv *ret_dirs);
/** layer_stack_make() - make what layer_stack() needs besides the layers. In B, when a tree holds other ids than ours. */
int layer_stack_make(struct store *st, const struct strv *diffids);
bool layer_stack_is_made(struct store *st, const struct strv *diffids);

/*
 * A container whose ids are not B's own (keep-id, nomap, auto, explicit maps) needs files under other
 * owners, and no kernel lets an ordinary user show the same files under others. So each directory of
 * its stack gets, once for each map, a copy whose files belong to the ids the map gives them:
 *
 *	<directory>/as-<hash of the map>/tree	beside <directory>/tree, and removed with it
 *
 * Blocks are shared where the file system can (reflink). Files that fall outside of the map keep
 * their owner, which the container sees as nobody.
 */
struct layer_range {
	uint32_t inside, outside, count;
};
struct layer_ids {
	const struct layer_range *uids, *gids;
	unsigned n_uids, n_gids;
};
/** layer_owned_make() - make what is missing of the copies of @dirs, which layer_stack() gave. In B. */
int layer_owned_make(struct store *st, const struct strv *dirs, const struct layer_ids *ids);
/** layer_owned_dirs() - @dirs as their copies are called; @ret_made: all are there. */
void layer_owned_dirs(const struct strv *dirs, const struct layer_ids *ids, struct strv *ret,
		      bool *ret_made);

/** layer_owned_stale() - below @d (layers or cache) the copies whose map no container has: "<directory>/as-<hash>". */
int layer_owned_stale(struct store *st, enum store_dir d, struct strv *ret);
/** layer_owned_sweep() - these go to the trash. A container that begins meanwhile makes its own again. */
int layer_owned_sweep(struct store *st);

/**
 * layer_copy_attributes() - mode, owner, times and extended attributes of one file or directory to another
 * Overlay's own attributes are left out. For a new upper directory, which shows as the container's
 * root: give it those of the first of layer_stack()'s directories. In B.
 */
int layer_copy_attributes(int from, int to);
