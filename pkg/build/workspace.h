/* SPDX-License-Identifier: MIT */
/*
 * Where a step works: an empty upper directory over the layers it starts from, in the store's
 * staging area. What the step wrote there becomes a layer by rename. A builder that dies leaves a
 * stage without an owner, which the next command removes. All of it in B.
 *
 * That is so with the driver overlay. What fuse-overlayfs writes, and what is changed in a copy (vfs),
 * is apart from the layer to be, and copied into it at the end.
 */
#pragma once
#include "pkg/build/digest_later.h"
#include "storage/layer.h"

#define WORKSPACE_UPPER "upper"
#define WORKSPACE_WORK "work"
#define WORKSPACE_COPY "copy"
#define WORKSPACE_STUBS "stubs" /* places to mount on, shown below all else */

struct workspace {
	struct store *st;
	const struct strv *layers; /* what it stands on, bottom first; the caller's */
	const char *top; /* and on this tree, a layer to be; NULL; the caller's */
	struct layer_stage stage; /* its tree is the upper directory */
	char *path; /* staging/<name>, absolute */
	int dir;
	int root; /* merged view, -EBADF while there is none */
	bool mounted;
	bool apart; /* the step writes to WORKSPACE_UPPER or WORKSPACE_COPY */
	struct strv before; /* what the copy was made of; */
	int64_t copied; /* when, in seconds */
	struct strv
		implied; /* directories that the layer is not to list (S5): what is below says how they are; sorted */
	bool files_are_ours; /* no command ran in it: every file there was made by us */
};
#define WORKSPACE_INIT                                                                         \
	{                                                                                      \
		.stage = {.tree_fd = -EBADF, .lock_fd = -EBADF}, .dir = -EBADF, .root = -EBADF \
	}

/** workspace_begin() - @top: a tree that is the uppermost of what is below, and no layer yet; NULL. */
int workspace_begin(struct store *st, const struct strv *layers, const char *top,
		    struct workspace *ret);
/** workspace_open() - the merged view, in this process's mount namespace; w->root is its root. */
int workspace_open(struct workspace *w);
/** workspace_close() - take the view away again. */
void workspace_close(struct workspace *w);
/**
 * workspace_seal() - what the step changed becomes a layer of the store
 * @epoch_s: no time of a file is later than this; negative: as they are.
 * @lease: gets the layer. @ret_diffid: 64 hex digits; "" when nothing was changed.
 * @later: NULL, or where a child may be that goes on with the digest.
 * Return: 0; 1: there is one, and the layer is still w->stage, which nobody writes to any more.
 */
int workspace_seal(struct workspace *w, int64_t epoch_s, bool single_id, struct layer_lease *lease,
		   struct digest_later *later, char ret_diffid[65]);
void workspace_done(struct workspace *w); /* also after sealing; removes what was not sealed */
void workspace_donep(struct workspace *w);

/** layers_view() - what @layers show together, to read; without mount points of the run time. */
int layers_view(struct store *st, const struct strv *layers);
/**
 * layers_mount() - the same at a path, for who has to name it: the containers that we start
 * @at: an absolute path of an empty directory. @ret_mounted: something was mounted there, in this
 * mount namespace; else @ret_path is a directory of the store itself. malloc'ed.
 */
int layers_mount(struct store *st, const struct strv *layers, const char *at, char **ret_path,
		 bool *ret_mounted);
