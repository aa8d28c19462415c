/* SPDX-License-Identifier: MIT */
/*
 * What is said of an image beside it, as BuildKit stores it (attestation-storage.md): an entry of the image's
 * list, for the platform unknown/unknown, with annotations that name the image's manifest. Its own manifest has
 * one layer, a statement of in-toto's (v0.1) whose subject is that manifest, too; and a config for those who
 * want each image to have one. Both are blobs of the store (artifact_store.h).
 */
#pragma once
#include "pkg/base/sbuf.h"

struct json_object;

#define ATTESTATION_TYPE "vnd.docker.reference.type" /* annotations of the entry */
#define ATTESTATION_ABOUT "vnd.docker.reference.digest"
#define ATTESTATION_MANIFEST "attestation-manifest"

/**
 * attestation_put() - write the blobs, and the manifest into @ret, which is empty
 * @blobs: store_fd(STORE_BLOBS), under artifact_store_hold(). @statement: with predicateType and subject.
 */
int attestation_put(int blobs, struct json_object *statement, struct sbuf *ret);
/**
 * attestation_retarget() - the same of another manifest: "sha256:…", as the image is on its way out
 * @manifest: as attestation_put() wrote it.
 */
int attestation_retarget(int blobs, const char *manifest, const char *digest, struct sbuf *ret);
