/* SPDX-License-Identifier: MIT */
/*
 * The layers of one image from one registry into the store: side by side, each in one pass
 * (download, digest of the compressed stream, decompress, diffID, extract), each committed when
 * size, digest and diffID are what manifest and config promise.
 */
#pragma once
#include "pkg/oci/manifest.h"
#include "pkg/transfer/registry.h"
#include "pkg/transfer/transfer.h"
#include "storage/layer.h"

#define LAYERS_AT_ONCE 4

struct layers_request {
	struct transfer_ctx *ctx;
	struct store *store;
	struct registry *registry;
	const struct manifest *manifest; /* an image's */
	const struct strv *diffids; /* hex, as many as there are layers */
	bool partial; /* of layers in zstd:chunked fetch what is not here (layer_partial.h) */
};

/**
 * layers_fetch() - until all are there
 * A layer that is in the store already, or that another process fetches right now, is not fetched.
 * On failure the others are given up; those that were complete stay for the next try.
 */
int layers_fetch(const struct layers_request *q);
