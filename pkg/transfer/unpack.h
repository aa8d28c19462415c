/* SPDX-License-Identifier: MIT */
/*
 * One layer archive into one staged tree, by a sandboxed worker process (D13): its root is the
 * staging tree, it has no network, no exec, and gets the bytes by a pipe. It decompresses, hashes
 * the uncompressed stream (diffID) and extracts in one pass.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "storage/layer.h"

enum layer_compression {
	LAYER_DETECT, /* whatever people keep root file systems, and what they ADD, in */
	LAYER_OF_IMAGE, /* detected as well, of what images may have: plain, gzip, zstd (F1) */
	LAYER_PLAIN,
};

struct unpack_limits {
	uint64_t max_bytes; /* of uncompressed content; 0: 64 GiB */
	uint64_t max_entries; /* 0: 2,000,000 */
	bool file_marks; /* the store's file system cannot hold overlay's marks */
	bool single_id; /* no subordinate ids: squash owners to 0, recorded */
	bool one_thread; /* many layers at once keep the processors busy by themselves */
	int input_fd; /* read the archive from there, and it stays the caller's; 0: from a pipe of the job's own */
};

struct unpack_job {
	pid_t pid;
	int pidfd;
	int input_fd; /* write the compressed archive here, then close; nonblocking-safe pipe; or negative */
	int result_fd;
};

struct unpack_result {
	char diffid[65]; /* sha256 of the uncompressed archive */
	uint64_t tree_bytes, tar_bytes;
	uint64_t entries;
	struct strv implied; /* for layer_record.implied; "." when the root was not listed */
	struct strv links; /* path, target, path, target …: hard links into lower layers */
	struct strv notes; /* what was left out (devices …), for people */
	bool has_recipe; /* the stage's recipe is whole */
};
void unpack_result_done(struct unpack_result *r);

/** unpack_start() - fork the worker on @stage's tree. In B. */
int unpack_start(const struct layer_stage *stage, enum layer_compression c,
		 const struct unpack_limits *l, struct unpack_job *ret);
/** unpack_finish() - close input, wait, collect; the worker's trail comes back as ours. */
int unpack_finish(struct unpack_job *j, struct unpack_result *ret);
/** unpack_cancel() - kill and reap. Safe on a zeroed or finished one. */
void unpack_cancel(struct unpack_job *j);

/**
 * unpack_resolve_links() - copy what hard links of this layer point at in lower layers (S18)
 * @lower: tree descriptors of the layers below, topmost first. Whiteouts and opaque directories of
 * them hide what lies deeper, as overlay would. Before layer_stage_commit(); nothing to do when
 * @r->links is empty. In B.
 */
int unpack_resolve_links(const struct layer_stage *stage, const struct unpack_result *r,
			 const int *lower, unsigned n_lower);
