/* SPDX-License-Identifier: MIT */
/*
 * A layer's archive as received, beside its tree, so that a push sends the same bytes (S1). Only what
 * is compressed: a plain tar is made again by its recipe, and kept only until its download is whole. Keeping is a convenience: no space, an
 * error or CUDDY_KEEP_BLOBS=no, and the layer goes without.
 *
 * Of a download it lies among the parts (storage/part.h) until it is whole, so that one that is cut
 * off can go on.
 */
#pragma once
#include "storage/part.h"

struct blob_keeper {
	struct store *store;
	const struct layer_stage *stage;
	uint64_t expected;
	int fd; /* valid while .store is set and .begun */
	bool begun;
	bool passing; /* not kept in the end */
	const char *digest; /* of a download; NULL: it lies in the stage from the beginning */
	struct part part; /* .name: it is there; .fd is .fd above */
};

/** blob_keeper_wants() - should @size bytes be kept on the file system of @fd? */
bool blob_keeper_wants(int fd, uint64_t size);
/** blob_keeper_begin() - @size: what is to come, 0: not known. Nothing is made before the first bytes. */
void blob_keeper_begin(struct blob_keeper *k, struct store *st, const struct layer_stage *stage,
		       uint64_t size);
/**
 * blob_keeper_resume() - the same for a download
 * Return: the bytes that are there of it already, to be read from @k->fd; what is added comes after them.
 */
uint64_t blob_keeper_resume(struct blob_keeper *k, struct store *st,
			    const struct layer_stage *stage, const char *digest, uint64_t size);
void blob_keeper_add(struct blob_keeper *k, const void *p, size_t n);
/** blob_keeper_end() - true when all of it lies in the stage. */
bool blob_keeper_end(struct blob_keeper *k);
/** blob_keeper_drop() - what came of a download is no good; nothing when it is kept no more. */
void blob_keeper_drop(struct blob_keeper *k);
/** blob_keeper_stop() - give up; safe on a zeroed or ended one. Of a download the part remains. */
void blob_keeper_stop(struct blob_keeper *k);
