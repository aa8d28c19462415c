/* SPDX-License-Identifier: MIT */
/* The table of contents of zstd:chunked (chunked.h), as somebody wrote it. */
#pragma once
#include "pkg/transfer/chunked.h"

/* Content that is had as a whole, from another layer or from the blob. */
struct chunked_piece {
	char digest[65];
	uint64_t size;
	uint64_t begin, end; /* in the blob, compressed */
	bool zeros; /* nothing but zeros, and not looked for in the blob */
	const char *path; /* where it is here, or NULL */
	uint64_t at; /* in that file */
};

struct chunked_file {
	char *name; /* as the archive calls it */
	uint64_t size;
	unsigned first, n; /* its pieces; more than one: .whole as well */
	unsigned whole; /* of all together, without place in the blob */
};

struct chunked_table {
	struct chunked_file *files; /* sorted by name; those with content */
	unsigned n_files;
	struct chunked_piece *pieces;
	unsigned n_pieces;
	char split_digest[80];
	uint64_t bytes; /* of all content */
};
void chunked_table_done(struct chunked_table *t);

/**
 * chunked_table_parse() - @text of @n bytes; content lies in the first @blob bytes of the blob
 * Strict about what is needed to find content; -CE_BAD_FORMAT, -CE_UNSUPPORTED, -CE_LIMIT.
 */
int chunked_table_parse(const char *text, size_t n, uint64_t blob, struct chunked_table *ret);
/** chunked_table_find() - a file with content by its name, or NULL. */
const struct chunked_file *chunked_table_find(const struct chunked_table *t, const char *name);

/* Ranges of the blob. */
struct chunked_range {
	uint64_t begin, end;
};
/**
 * chunked_table_missing() - what is to be fetched: of all that is not here; sorted, near ones as one
 * @max: at most so many. @ret: malloc'ed, of *@ret_n.
 */
void chunked_table_missing(const struct chunked_table *t, unsigned max, struct chunked_range **ret,
			   unsigned *ret_n);
