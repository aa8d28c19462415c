/* SPDX-License-Identifier: MIT */
/* One layer on its way: bytes in, a staged tree, a committed layer. */
#pragma once
#include "pkg/archive/hash.h"
#include "pkg/transfer/blob_keeper.h"
#include "pkg/transfer/transfer.h"
#include "pkg/transfer/unpack.h"

struct layer_sink {
	struct layer_stage stage;
	struct unpack_job job;
	struct blob_keeper keeper;
	struct hash *hash; /* of the bytes as they come; NULL: not wanted */
	bool staged, running, broken;
	uint64_t bytes;
	char blob[65]; /* after sink_finish(); "" when not wanted */
	struct unpack_result result;
	int error; /* what the worker said: matters only when somebody wants the layer */
	char *words;
};

/** sink_open() - @want_blob: hash the bytes as they come, and keep them when they are compressed. */
int sink_open(struct transfer_ctx *ctx, struct layer_sink *s, enum layer_compression c,
	      bool want_blob);
/** sink_write() - a worker that gave up takes no more bytes; that is reported by sink_finish(). */
int sink_write(struct layer_sink *s, const void *p, size_t n);
/** sink_finish() - wait for the worker; its failure is kept in @s. Twice is fine. */
void sink_finish(struct layer_sink *s);
/** sink_feed() - the whole of the request's archive, from its first descriptor, and sink_finish(). */
int sink_feed(struct transfer_ctx *ctx, struct layer_sink *s);
/** sink_error() - 0, or the kept failure with its words as trail. */
int sink_error(const struct layer_sink *s);
/**
 * sink_commit() - make it the layer @s->result.diffid; @lower: diffIDs of the layers below, bottom
 * first, for hard links into them. Nothing when that layer is there already.
 */
int sink_commit(struct transfer_ctx *ctx, struct layer_sink *s, const char *media_type,
		const struct strv *lower, size_t n_lower);
/** sink_done() - drop all that was not committed. Safe on a zeroed one. */
void sink_done(struct transfer_ctx *ctx, struct layer_sink *s);

/**
 * layer_resolve_links() - unpack_resolve_links() with the layers below, by their diffIDs: the first @n_lower
 * of @lower, bottom first. Nothing to do without links.
 */
int layer_resolve_links(struct store *st, const struct layer_stage *stage,
			const struct unpack_result *u, const struct strv *lower, size_t n_lower);
