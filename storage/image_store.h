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
	char id[65]; /* config digest, hex */
	char *manifest; /* raw bytes; NULL for images made locally without one */
	size_t manifest_len;
	char *manifest_type; /* media type */
	char *manifest_digest; /* "sha256:…" */
	char *config; /* raw bytes */
	size_t config_len;
	struct strv diffids; /* 64 hex each, bottom first */
	uint64_t size_bytes; /* sum of the layers' trees */
	int64_t created_ns;
	struct strv names; /* full references pointing here, filled by load and list */
	struct strv repo_digests; /* "docker.io/library/x@sha256:…" it was pulled as */
};
/*
 * image_summary: what listings and removals need, from the small record alone; config and manifest
 * are not read.
 */
struct image_summary {
	char id[65];
	char *manifest_type, *manifest_digest;
	uint64_t size_bytes;
	int64_t created_ns;
	struct strv diffids, names, repo_digests;
};
void image_summary_done(struct image_summary *s);
int image_store_summary(struct store *st, const char *id,
			struct image_summary *ret); /* names are not filled */

void image_record_done(struct image_record *r);
void image_record_free(struct image_record *r);

/**
 * image_store_put() - durable, atomic; all layers must exist (hold a lease on them: layer.h)
 * An equal image already there is success: repo digests are merged, and a manifest it lacked is added.
 */
int image_store_put(struct store *st, const struct image_record *r);
int image_store_load(struct store *st, const char *id,
		     struct image_record **ret); /* -CE_NO_IMAGE */
/** image_store_list() - ids, sorted. */
int image_store_list(struct store *st, struct strv *ret_ids);
/**
 * image_store_remove() - drop the names that point here, the record, and every layer no other image,
 * container or lease uses. Takes store_lock() exclusive; needs no namespace (all goes to the trash).
 * @force: also when a container uses it (its layers stay); else -CE_IN_USE naming the container.
 */
int image_store_remove(struct store *st, const char *id, bool force);
/** image_store_users() - ids of containers made from it (record key "ImageID"). */
int image_store_users(struct store *st, const char *id, struct strv *ret_containers);

/** ref_set() - point full reference (host/path:tag) at an image; replaces atomically. @ret_old: 65 bytes or NULL. */
int ref_set(struct store *st, const char *reference, const char *id, char *ret_old);
int ref_get(struct store *st, const char *reference, char ret_id[65]); /* -CE_NO_IMAGE */
int ref_remove(struct store *st, const char *reference);
int ref_list(struct store *st, struct strv *ret_references);
int ref_pairs(struct store *st, struct strv *ret_references,
	      struct strv *ret_ids); /* both, in step */
/**
 * ref_escape() / ref_unescape() - injective file names (threats H14); malloc'ed
 * Bytes outside a-z 0-9 - _ . become %xx, so file systems that fold case cannot merge two. What would
 * be longer than 200 bytes becomes a hash; that has no way back, ref_unescape() gives NULL (the file
 * holds the reference itself), as for anything ref_escape() would not have written.
 */
char *ref_escape(const char *reference);
char *ref_unescape(const char *file);
