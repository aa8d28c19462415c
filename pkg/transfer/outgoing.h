/* SPDX-License-Identifier: MIT */
/*
 * An image on its way out of the store: its manifest and config as stored, or a manifest made for
 * the format and compression that are asked for. Layers are held by a lease until outgoing_done().
 */
#pragma once
#include "pkg/oci/image_config.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/layer_source.h"
#include "pkg/transfer/transfer.h"
#include "storage/image_store.h"

struct outgoing {
	struct transfer_ctx *ctx;
	struct store *store;
	struct image_record *rec;
	struct layer_lease lease;
	bool leased;
	bool made; /* the manifest below is not one of the image's */
	struct sbuf manifest_raw;
	char *media_type, *digest;
	struct manifest manifest;
};
void outgoing_done(struct outgoing *o);

/**
 * outgoing_open() - load and hold the image
 * @digest: the manifest to take; NULL, or of one that the image does not have: see outgoing_make().
 * Return: 1 when @o has a manifest now that is as @f asks, 0 when one has to be made, or a code.
 */
int outgoing_open(struct transfer_ctx *ctx, const char *id, const char *digest,
		  const struct transfer_form *f, struct outgoing *o);
/**
 * outgoing_make() - a manifest of layers in the format and compression of @f, each made if need be
 * @each: given every layer's archive as it is ready, may be NULL; a negative code ends all.
 */
int outgoing_make(struct outgoing *o, const struct transfer_form *f,
		  int (*each)(void *data, unsigned i, const struct layer_blob *b), void *data);
/** outgoing_remember() - the made manifest becomes one of the image's; @repo_digest (may be NULL) too. */
int outgoing_remember(struct outgoing *o, const char *repo_digest);
/** outgoing_is_sent() - false for layers that only their maker may hand out. */
bool outgoing_is_sent(const struct descriptor *layer);
