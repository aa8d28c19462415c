/* SPDX-License-Identifier: MIT */
/*
 * What is said of an image beside it, as BuildKit stores it (attestation-storage.md): an entry of the image's
 * list, for the platform unknown/unknown, with annotations that name the image's manifest. Its own manifest has
 * a layer for each statement of in-toto's, whose subject is that manifest, too; and a config for those who
 * want each image to have one. All are blobs of the store (artifact_store.h).
 */
#pragma once
#include "pkg/base/sbuf.h"

struct json_object;

#define ATTESTATION_TYPE "vnd.docker.reference.type" /* annotations of the entry */
#define ATTESTATION_ABOUT "vnd.docker.reference.digest"
#define ATTESTATION_MANIFEST "attestation-manifest"
#define STATEMENT_BYTES_MAX (80UL << 20)

/**
 * attestation_put() - write the blobs, and the manifest into @ret, which is empty
 * @blobs: store_fd(STORE_BLOBS), under artifact_store_hold(). @statements: an array, each with predicateType and
 * subject.
 */
int attestation_put(int blobs, struct json_object *statements, struct sbuf *ret);

/** attestation_now - what the manifest @about has become on its way out, "sha256:…"; NULL: not known, or not on its way. */
typedef const char *attestation_now(void *data, const char *about);
/**
 * attestation_follow() - the manifest as it is beside what its image has become; the blobs of a new one are written
 * @entry: of the list. @manifest: as attestation_put() wrote it, or of something that is no attestation.
 * @ret_now: what @now said when it is another digest than the entry has, else NULL.
 */
int attestation_follow(int blobs, struct json_object *entry, const char *manifest,
		       attestation_now *now, void *data, struct sbuf *ret, const char **ret_now);
