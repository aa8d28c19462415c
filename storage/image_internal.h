/* SPDX-License-Identifier: MIT */
/* Between the files that deal with images. */
#pragma once
#include "storage/image_store.h"

#define IMAGE_RECORD "record.json"
#define IMAGE_CONFIG "config"
#define IMAGE_MANIFEST "manifest"
#define DOCUMENT_MAX (16UL << 20)

/** image_read_file() - one of its files, added to @out; -ENOENT. */
int image_read_file(struct store *st, const char *id, const char *file, struct sbuf *out);
/** image_manifest_file() - name of the file of a further manifest; @digest is valid. Malloc'ed. */
char *image_manifest_file(const char *digest);
/** image_write_record() - @manifests: the further ones, "digest=media type". */
int image_write_record(int dir, const struct image_record *r, const struct strv *manifests);
