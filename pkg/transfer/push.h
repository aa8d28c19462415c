/* SPDX-License-Identifier: MIT */
/* One image on its way to a registry. */
#pragma once
#include "pkg/oci/reference.h"
#include "pkg/transfer/outgoing.h"
#include "pkg/transfer/refetch.h"
#include "pkg/transfer/registry.h"
#include "pkg/transfer/sign.h"

#define PUSH_MOUNTS_MAX 4

#define PUSH_SLOTS 4

struct push;
/* A layer on its way; at most PUSH_SLOTS at once. */
struct push_item {
	struct push *push;
	uint32_t number;
	char label[16];
	uint64_t size, sent;
	int64_t reported_ns;
	bool busy;
	struct layer_blob blob;
	struct upload_beside upload;
};

struct push {
	struct transfer_ctx *ctx;
	struct transfer_push args;
	bool by_digest; /* whatever its digest is, the manifest goes there under that only */
	uint32_t first_item; /* number of its first layer in the progress of all */
	struct reference to;
	struct strv more; /* tags beside that of @to */
	struct registries conf;
	struct endpoint endpoint;
	struct http *http;
	struct registry registry;
	struct outgoing image;
	bool as_is; /* by the manifest it came with */
	struct signing signing;
	struct refetch sources;
	struct push_item slots[PUSH_SLOTS];
	/* What the images have that the registry's mounts came from, in step. */
	struct strv mount_diffids[PUSH_MOUNTS_MAX];
};
#define PUSH_INIT(c)                                                                 \
	{                                                                            \
		.ctx = (c), .image.manifest_raw = SBUF_INIT, .signing = SIGNING_INIT \
	}
void push_done(struct push *p);

/** push_open() - after @p->args is set: all that wants files and helpers; no network. */
int push_open(struct push *p);
/** push_send() - layers, config, manifest; then @p->image has what was sent. */
int push_send(struct push *p);
