/* SPDX-License-Identifier: MIT */
/*
 * Digests of images that never came from or went to a registry. The manifest that a push will send
 * names compressed layers, and compressing them to know it would take longer than most builds. So until
 * then an image is known, as with podman, by the manifest that has its layers as they lie in the store:
 * not compressed. Nothing of it is kept; it follows from config, layers, annotations and format.
 */
#pragma once
#include "storage/image_store.h"

/** local_manifest() - its bytes; -ENOENT, without a trail, when the size of a layer's archive is not known. */
int local_manifest(struct store *st, const char *id, const struct strv *diffids,
		   const char *manifest_type, const struct strv *annotations, struct sbuf *ret);
/** local_digest() - "sha256:…", malloc'ed; NULL when the size of a layer's archive is not known. Leaves no trail. */
char *local_digest(struct store *st, const char *id, const struct strv *diffids,
		   const char *manifest_type, const struct strv *annotations);
/** local_repo_digests() - "repository@digest" of each repository that @names has tags of, added to @ret. */
void local_repo_digests(const struct strv *names, const char *digest, struct strv *ret);
/** local_digest_find() - the image with a name in that repository and that digest; -CE_NO_IMAGE. */
int local_digest_find(struct store *st, const char *repository, const char *digest, char ret_id[65]);
