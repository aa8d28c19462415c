/* SPDX-License-Identifier: MIT */
/*
 * A directory tree as tar: a container's root, a volume, a layer or an upper directory.
 *
 * It needs libc only, so cuddy (export, diffIDs of new layers) and cuddy-transfer (push, save) share
 * it; whoever calls it is in B, where the files of subordinate ids can be read. The tree may be
 * changing under us by somebody hostile (C05): every step is (descriptor, one name), links are never
 * followed, the type is that of the opened descriptor, other mounts below are not entered.
 *
 * The same tree gives the same bytes: entries of a directory are sorted by byte, times of access,
 * inode numbers and block counts do not count.
 */
#pragma once
#include "pkg/archive/tar_write.h"
#include "pkg/base/strv.h"

/* @outside: as this process sees it; @inside: as the archive says it. */
struct tree_ids {
	uint32_t inside, outside, count;
};

struct tree_tar_options {
	/*
	 * The tree is a layer or an upper directory of overlay with userxattr: 0:0 devices become
	 * .wh.NAME, opaque directories get .wh..wh..opq; what is named so in the tree itself cannot be
	 * said in a layer and is left out.
	 */
	bool overlay;
	/*
	 * With overlay: the tree is of a store without room for those marks, or fuse-overlayfs wrote it:
	 * files with the names of archives' marks are marks as well (pkg/sys/whiteout.h).
	 */
	bool file_marks;
	bool hide_markers; /* what shows all layers together; names with .wh. are fuse-overlayfs's own */
	bool cross_mounts; /* enter what is mounted below, but for proc, sysfs and the like */
	/*
	 * The tree is that of processes at work, with kernel file systems in it: what may not be read is left
	 * out, and files of procfs are as long as they turn out to be.
	 */
	bool live;
	int data; /* > 0: where the content is of files that say so (pkg/sys/overlay_data.h) */
	bool single_id; /* owners are those that extraction recorded in user.cuddy.owner */
	const struct tree_ids *uids, *gids; /* n 0: ids stay as they are; others become 65534 */
	unsigned n_uids, n_gids;
	const struct strv *
		only; /* NULL: all; sorted: what is below the one added and not in it is left out */
	const struct strv
		*implied; /* sorted; directories that get no entry of their own ("." the root) */
};

struct tree_tar_result {
	uint64_t entries;
	uint64_t bytes; /* of regular files, hard links once */
	uint64_t changed; /* files that shrank, grew or vanished while they were read */
	uint64_t sockets,
		unnameable; /* left out: sockets; names that mean something else in a layer */
	uint64_t unreadable; /* left out because of @live */
};

/* Who is told of each entry: a tar_writer below, or tree_put.h, which makes the same tree elsewhere. */
struct tree_sink {
	int (*entry)(struct tree_sink *s, const struct tar_entry *e);
	/* The content of the TAR_FILE told last: 0, 1 when it changed meanwhile, or a code. */
	int (*file)(struct tree_sink *s, int fd);
};

struct tree_tar;
struct tree_tar *tree_tar_new(struct tree_sink *s, const struct tree_tar_options *o);
void tree_tar_free(struct tree_tar *t); /* NULL is fine */
void tree_tar_freep(struct tree_tar **t);
/**
 * tree_tar_add() - @name (one component, or ".") of @dir and all below it, as @path ("" is the root)
 * Hard links are found across calls. -CE_LIMIT for what no reader of ours would take back: deeper
 * than TAR_DEPTH_MAX, paths longer than TAR_PATH_MAX.
 */
int tree_tar_add(struct tree_tar *t, int dir, const char *name, const char *path);
const struct tree_tar_result *tree_tar_result(const struct tree_tar *t);

/**
 * tree_tar() - all of the directory @root to @out, ended and finished
 * For a diffID: @out is out_digest(out_to_nothing(), …). For a blob to push: out_digest() for the
 * diffID over out_encode() over out_digest() for the blob over where it goes.
 */
int tree_tar(int root, struct out *out, const struct tar_write_options *w,
	     const struct tree_tar_options *o, struct tree_tar_result *ret);

/* One thing to put into an archive: as the arguments of tree_tar_add(). */
struct tree_tar_source {
	int dir;
	const char *name, *path;
};
/** tree_tar_add_all() - the same of several things. */
int tree_tar_add_all(const struct tree_tar_source *v, size_t n, struct out *out,
		     const struct tar_write_options *w, const struct tree_tar_options *o,
		     struct tree_tar_result *ret);
