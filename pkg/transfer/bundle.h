/* SPDX-License-Identifier: MIT */
/*
 * What "load" is given: an archive (a tar, compressed or not, perhaps a pipe) or a directory.
 *
 * The list of what an archive is made of often comes last, and a pipe cannot be wound back. So its
 * documents are kept and every member that looks like a layer is unpacked while it streams by, into
 * a stage of its own; what nobody asks for in the end is dropped. There is no copy of the archive.
 * Names in documents are looked up among the members, never on disk (L15). A directory is read on
 * demand, beneath it and without links.
 */
#pragma once
#include "pkg/base/sbuf.h"
#include "pkg/transfer/layer_sink.h"

enum member_kind { MEMBER_DOCUMENT, MEMBER_LAYER, MEMBER_LINK };

struct member {
	char *name;
	enum member_kind kind;
	struct sbuf doc;
	char *target; /* link: another member's name */
	struct layer_sink sink;
};

struct bundle {
	struct transfer_ctx *ctx;
	int dir; /* negative: an archive */
	struct member **v;
	size_t n, cap, doc_bytes, n_running;
};

/** bundle_open() - reads an archive to its end. @fd stays the caller's. */
int bundle_open(struct transfer_ctx *ctx, int fd, struct bundle *ret);
void bundle_done(struct bundle *b); /* also after a failed open */
/** bundle_document() - a document of at most @max bytes; NULL with 0 when there is none. */
int bundle_document(struct bundle *b, const char *name, size_t max, const struct sbuf **ret);
/** bundle_blob_hex() - the sha256 that a member's name says its bytes have; NULL when it says none. */
const char *bundle_blob_hex(const struct bundle *b, const char *name);
/** bundle_layer() - an unpacked layer; -CE_BAD_FORMAT when there is none, the worker's error otherwise. */
int bundle_layer(struct bundle *b, const char *name, struct layer_sink **ret);
