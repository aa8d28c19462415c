/* SPDX-License-Identifier: MIT */
/*
 * A layer's archive as received, beside its tree, so that a push sends the same bytes (S1). Only what
 * is compressed: a plain tar is made again by its recipe. Keeping is a convenience: no space, an
 * error or CUDDY_KEEP_BLOBS=no, and the layer goes without.
 */
#pragma once
#include "storage/layer.h"

struct blob_keeper {
	struct store *store;
	const struct layer_stage *stage;
	uint64_t expected;
	int fd; /* valid while .store is set and .begun */
	bool begun;
};

/** blob_keeper_wants() - should @size bytes be kept on the file system of @fd? */
bool blob_keeper_wants(int fd, uint64_t size);
/** blob_keeper_begin() - @size: what is to come, 0: not known. Nothing is made before the first bytes. */
void blob_keeper_begin(struct blob_keeper *k, struct store *st, const struct layer_stage *stage,
		       uint64_t size);
void blob_keeper_add(struct blob_keeper *k, const void *p, size_t n);
/** blob_keeper_end() - true when all of it lies in the stage. */
bool blob_keeper_end(struct blob_keeper *k);
/** blob_keeper_stop() - give up; safe on a zeroed or ended one. */
void blob_keeper_stop(struct blob_keeper *k);
