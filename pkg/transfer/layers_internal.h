/* SPDX-License-Identifier: MIT */
/* One layer on its way into the store: what layers.c, which moves them all and says how, sees of it. */
#pragma once
#include "pkg/transfer/blob_keeper.h"
#include "pkg/transfer/layer_partial.h"
#include "pkg/transfer/layers.h"
#include "pkg/transfer/unpack.h"

#define POLL_MS 200

enum layer_state {
	LAYER_NEW,
	LAYER_LOCKED_OUT,
	LAYER_PARTIAL,
	LAYER_KEPT,
	LAYER_LOADING,
	LAYER_UNPACKING,
	LAYER_LINKING,
	LAYER_PAUSE,
	LAYER_DONE
};

struct layer {
	const struct layers_request *q;
	const struct descriptor *blob;
	const char *diffid;
	uint32_t index;
	char label[16];
	bool large; /* more than a processor's share */
	enum layer_state state;
	int lock_fd;
	int64_t again_at_ns; /* LOCKED_OUT, PAUSE */
	unsigned tries;
	int64_t reported_ns;
	uint64_t told; /* bytes, by the last report */

	/* One attempt. */
	bool staged, working;
	struct layer_stage stage;
	struct unpack_job job;
	struct partial *partial;
	bool assembling, no_partial; /* ->partial makes the archive; it was tried in vain */
	struct http_transfer *transfer;
	struct hash *hash;
	struct blob_keeper keeper;
	uint64_t got;
	uint64_t kept; /* of which an earlier pull left these; 0 once nothing is believed of them */
	bool no_parts; /* the server does not give the rest of a blob */
	uint64_t from,
		skip; /* of the request: where it began; what of the answer is known already */
	bool begun; /* the request has bytes */
	struct sbuf rest; /* received, not yet taken by the pipe */
	bool worker_gone;
	struct unpack_result result;
};

/* --- layers_steps.c: its place in the store, the lock, the unpacker ----------------------------- */

/** fetch_report() - running ones not oftener than is good for a terminal. */
void fetch_report(struct layer *l, enum transfer_state state);
/** fetch_begin() - NEW: ask the store, take the lock; DONE, LOCKED_OUT, or the first state of an attempt. */
int fetch_begin(struct layer *l);
/** fetch_partial() - PARTIAL: go on with it. */
int fetch_partial(struct layer *l);
/** fetch_unpacked() - UNPACKING: the worker has something to say. */
int fetch_unpacked(struct layer *l);
/** fetch_commit() - LINKING: all layers below are DONE, or it has no links into them. */
int fetch_commit(struct layer *l);
/** fetch_end_attempt() - give up the current attempt, whatever stands of it. */
void fetch_end_attempt(struct layer *l);
/** fetch_done() - free all that it has; its lock as well. */
void fetch_done(struct layer *l);

/* --- layers_load.c: bytes of the blob, from the registry or a kept part, to the unpacker's pipe -- */

/** fetch_request() - ask for what is missing. LOADING. */
int fetch_request(struct layer *l);
/** fetch_read_kept() - KEPT: as much of the kept part as the pipe takes now. */
int fetch_read_kept(struct layer *l);
/** fetch_loaded() - LOADING: the transfer ended, well or not. */
int fetch_loaded(struct layer *l);
/** fetch_flush() - what a full pipe did not take. */
void fetch_flush(struct layer *l);
/** fetch_end_input() - UNPACKING: when the pipe is drained, let the worker see the end. */
void fetch_end_input(struct layer *l);
