/* SPDX-License-Identifier: MIT */
/*
 * Image records by config digest, and references (names) pointing at them. Bytes of config and
 * manifest are kept exactly as received. Neither needs a namespace.
 */
#pragma once
#include <stdint.h>

#include "pkg/oci/digest.h"
#include "storage/store.h"

struct image_record {
	char id[65];                /* config digest, hex */
	char *manifest;             /* raw bytes; NULL for images made locally without one */
	size_t manifest_len;
	char *manifest_type;        /* media type */
	char *manifest_digest;      /* "sha256:…" */
	char *config;               /* raw bytes */
	size_t config_len;
	struct strv diffids;        /* 64 hex each, bottom first */
	uint64_t size_bytes;        /* sum of the layers' trees */
	int64_t created_ns;
	struct strv names;          /* full references pointing here, filled by load and list */
	struct strv repo_digests;   /* "docker.io/library/x@sha256:…" it was pulled as */
};
void image_record_done(struct image_record *r);
void image_record_free(struct image_record *r);

/** image_store_put() - durable, atomic; all layers must exist. An equal image already there is success (repo digests are merged). */
int image_store_put(struct store *st, const struct image_record *r);
int image_store_load(struct store *st, const char *id, struct image_record **ret); /* -CE_NO_IMAGE */
/** image_store_list() - ids, sorted. */
int image_store_list(struct store *st, struct strv *ret_ids);
/** image_store_remove() - drop the record and every layer no other image or container uses. In B for the layers (moves to trash). */
int image_store_remove(struct store *st, const char *id);

/** ref_set() - point full reference (host/path:tag) at an image; replaces atomically. @ret_old: 65 bytes or NULL. */
int ref_set(struct store *st, const char *reference, const char *id, char *ret_old);
int ref_get(struct store *st, const char *reference, char ret_id[65]); /* -CE_NO_IMAGE */
int ref_remove(struct store *st, const char *reference);
int ref_list(struct store *st, struct strv *ret_references);
/** ref_escape() / ref_unescape() - injective file names (threats H14); malloc'ed. */
char *ref_escape(const char *reference);
char *ref_unescape(const char *file);
