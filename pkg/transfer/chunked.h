/* SPDX-License-Identifier: MIT */
/*
 * zstd:chunked: a tar in zstd, each file a frame (or several) of its own, and behind it in frames that
 * readers of zstd pass over: a table of contents (JSON: of each file, or piece of one, the digest and
 * where its frames are), the rest of the tar ("tar-split": lines of JSON with all that is not content of
 * a file), and a footer. Annotations of the layer's descriptor say where these are, and the digest of the
 * table: that is what is trusted, for it comes with the manifest.
 * Format: containers-storage-zstd-chunked(1).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/strv.h"

#define CHUNKED_TABLE_MAX (64U << 20) /* of either document, uncompressed */

struct chunked_part {
	uint64_t offset, bytes, plain; /* in the blob, compressed; uncompressed */
};
/* What the annotations say. */
struct chunked {
	char digest[80]; /* of the compressed table */
	struct chunked_part table, split;
};

/** chunked_annotate() - "key=value" for the descriptor, added to @ret. */
void chunked_annotate(const struct chunked *c, struct strv *ret);
/**
 * chunked_of() - what the annotations of a layer of @size bytes say
 * False when they say nothing, or what cannot be, or there is no tar-split.
 */
bool chunked_of(const struct strv *annotations, uint64_t size, struct chunked *ret);

/*
 * Where content with a digest is in a layer's tree, one record after the other, in a file beside it:
 * for who wants the same content in another layer. Never believed: who uses one looks at the content.
 */
#define CHUNKED_WHERE_MAGIC "cuddy digests 1\n"
struct chunked_where {
	char digest[65]; /* SHA-256, hex */
	uint64_t offset, size; /* in the file */
	const char *path; /* of the file in the tree */
};
struct sbuf;
void chunked_where_put(struct sbuf *b, const struct chunked_where *w);
/** chunked_where_next() - the record at *@at, which moves on; false at the end, and where it is none. */
bool chunked_where_next(const char *text, size_t n, size_t *at, struct chunked_where *ret);
