/* SPDX-License-Identifier: MIT */
/*
 * Parts of downloads that were cut off, one file for each blob, so that the next pull asks for the rest
 * only (S8). Nothing believes a part: whoever goes on from it reads all of it again, and its blob's
 * digest decides in the end. The file is locked while somebody adds to it.
 *
 * They do not pile up: what nobody came back to for a week goes, and of more than 8 GiB the oldest.
 */
#pragma once
#include <stdint.h>

#include "storage/layer.h"

#define PART_AGE_S (7 * 24 * 3600)
#define PARTS_BYTES_MAX (8ULL << 30)

struct part {
	char *name; /* below parts/ */
	int fd; /* O_RDWR, locked; its offset is the end of what was there */
	uint64_t bytes; /* that were there when it was opened */
};

/** part_open() - what there is of a blob of @size bytes. -ENOENT (no trail): nothing, or somebody is busy with it. */
int part_open(struct store *st, const char *digest, uint64_t size, struct part *ret);
/** part_create() - the same, and an empty one when there is none. */
int part_create(struct store *st, const char *digest, struct part *ret);
/** part_bytes() - how much of a blob lies there, for those who wait for it. */
uint64_t part_bytes(struct store *st, const char *digest);
/** part_finish() - it is whole: it becomes the archive of the layer in @stage. */
int part_finish(struct store *st, struct part *p, const struct layer_stage *stage);
/** part_drop() - it is of no use. Safe on a closed one, as part_close(). */
void part_drop(struct store *st, struct part *p);
/** part_close() - leave it for the next try; an empty one goes. */
void part_close(struct store *st, struct part *p);

struct part_info {
	char *digest;
	uint64_t bytes;
};
/** parts_list() - all of them; array of @ret_n, the caller's to parts_free(). */
int parts_list(struct store *st, struct part_info **ret, unsigned *ret_n);
void parts_free(struct part_info *v, unsigned n);
/** parts_trash() - those that nobody has touched for @age_s seconds and nobody is busy with; and the oldest when they are too many. */
int parts_trash(struct store *st, int64_t age_s);
