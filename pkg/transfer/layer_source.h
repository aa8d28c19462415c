/* SPDX-License-Identifier: MIT */
/*
 * The archive of a layer that is in the store, for those who hand it on: as it was received when that
 * was kept, or made again from the tree. Whatever comes out has the digest it is asked for, or is an
 * error.
 */
#pragma once
#include "pkg/archive/out.h"
#include "storage/layer.h"

/** layer_tar() - the uncompressed archive to @below, finished; @below is closed in any case. In B. */
int layer_tar(struct store *st, const char *diffid, bool single_id, struct out *below);

/** layer_tar_unnamed() - the same; an error does not say which layer it is about. */
int layer_tar_unnamed(struct store *st, const char *diffid, bool single_id, struct out *below);

/** layer_tar_size() - how many bytes layer_tar() is going to write; reads it all when nobody counted before. */
int layer_tar_size(struct store *st, const char *diffid, bool single_id, uint64_t *ret);

/* A compressed (or plain) archive in a file. */
struct layer_blob {
	char *digest; /* "sha256:…" */
	uint64_t size;
	enum out_format format;
	struct strv annotations; /* "k=v", for its descriptor */
	int fd;
};
void layer_blob_done(struct layer_blob *b);
/** layer_blob_nameless() - a file without a name in the store, so that nothing has to be cleaned up. */
int layer_blob_nameless(struct store *st);

/** layer_blob_kept() - the same as layer_blob_as(), when it was kept as it was received; no namespace needed. */
int layer_blob_kept(struct store *st, const char *diffid, const char *digest, uint64_t size,
		    struct layer_blob *ret);
/**
 * layer_blob_as() - exactly the archive with this digest and size
 * Return: 0; -ENOENT (no trail) when it was not kept and cannot be made again.
 */
int layer_blob_as(struct store *st, const char *diffid, bool single_id, const char *digest,
		  uint64_t size, struct layer_blob *ret);
/**
 * layer_blob_in() - the archive in that format, as received if it is, else compressed now
 * What is compressed with the default level is kept for the next time, like what was received.
 */
int layer_blob_in(struct store *st, const char *diffid, bool single_id, enum out_format f,
		  int level, struct layer_blob *ret);
