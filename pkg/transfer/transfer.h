/* SPDX-License-Identifier: MIT */
/*
 * Inside cuddy-transfer: what every operation is given, and how it reports. The process runs in B
 * (uid 0 there) with a private mount namespace, or, when it does not begin with layers, as the user; stdin
 * is /dev/null, and no credentials are on its command line.
 */
#pragma once
#include "pkg/transfer/protocol.h"
#include "storage/store.h"

struct transfer_ctx {
	int channel; /* to cuddy; readable means it went away: cancel */
	struct transfer_request req;
	int fds[TRANSFER_FDS_MAX]; /* what came with the request; TAKE_FD() what you keep */
	unsigned n_fds;
	int user_side; /* a line to it, or -EBADF */
	struct store *store; /* by transfer_store() */
};

/** transfer_store() - the store of the request, opened once. */
int transfer_store(struct transfer_ctx *ctx, struct store **ret);

/*
 * Events. They never fail: a caller that is gone is noticed by transfer_cancelled(). Progress is
 * best effort (dropped when the caller is slow), except for the states that end an item.
 */
void report_progress(struct transfer_ctx *ctx, const struct transfer_progress *p);
void report_message(struct transfer_ctx *ctx, bool warning, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_image(struct transfer_ctx *ctx, const char *reference, const char *id);

/** transfer_cancelled() - 0, or -CE_INTERRUPTED when cuddy closed its end. Cheap; call it in loops. */
int transfer_cancelled(struct transfer_ctx *ctx);

/**
 * transfer_enter_base() - from here on in B, for who began as the user: before layers are written or made again
 * Nothing when we are there. -CE_INTERRUPTED when cuddy went away, or could not make one and says why itself.
 * Afterwards it may be another process that goes on.
 */
int transfer_enter_base(struct transfer_ctx *ctx);

/* The operations; one row each in main.c. */
int transfer_op_pull(struct transfer_ctx *ctx);
int transfer_op_load(struct transfer_ctx *ctx);
int transfer_op_import(struct transfer_ctx *ctx);
int transfer_op_fetch(struct transfer_ctx *ctx);
int transfer_op_untar(struct transfer_ctx *ctx);
int transfer_op_unpack(struct transfer_ctx *ctx);
int transfer_op_login(struct transfer_ctx *ctx);
int transfer_op_push(struct transfer_ctx *ctx);
int transfer_op_save(struct transfer_ctx *ctx);
int transfer_op_search(struct transfer_ctx *ctx);
int transfer_op_check(struct transfer_ctx *ctx);
int transfer_op_manifest(struct transfer_ctx *ctx);
int transfer_op_sign(struct transfer_ctx *ctx);
int transfer_op_prepare(struct transfer_ctx *ctx);
int transfer_op_push_list(struct transfer_ctx *ctx);
int transfer_op_artifact_pull(struct transfer_ctx *ctx);
int transfer_op_artifact_push(struct transfer_ctx *ctx);
