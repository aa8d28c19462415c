/* SPDX-License-Identifier: MIT */
/*
 * Layers in the form they were received, asked for again: of one that several manifests describe
 * differently compressed, only one form is kept; without CUDDY_KEEP_BLOBS none.
 */
#pragma once
#include "pkg/transfer/registry.h"

#define REFETCH_MAX 3

struct refetch {
	struct registry v[REFETCH_MAX];
	bool pinged[REFETCH_MAX];
	unsigned n;
};

/**
 * refetch_open() - the registries that a manifest came from, ready to be asked; no network yet
 * @repo_digests: "host/path@digest", those with @digest count. Problems with one leave it out.
 * @but: "host/path" that has been asked already.
 */
int refetch_open(struct http *http, const struct registries *conf, const struct strv *repo_digests,
		 const char *digest, const char *but, const struct transfer_access *access,
		 struct refetch *ret);
void refetch_done(struct refetch *f);
/** refetch_from() - a blob of one registry, pinged, into the file @fd, verified. */
int refetch_from(struct registry *r, const char *digest, uint64_t size, int fd);
/** refetch_blob() - into the file @fd, verified. -ENOENT (no trail) when nobody has it. */
int refetch_blob(struct refetch *f, const char *digest, uint64_t size, int fd);
