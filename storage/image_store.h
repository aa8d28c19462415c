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
	struct strv names; /* full references pointing here: filled by load, set by put */
	/* The index it was chosen from, as received; for put. NULL: none. */
	char *index, *index_type, *index_digest;
	size_t index_len;
	struct strv repo_digests; /* "docker.io/library/x@sha256:…" it was pulled as */
	struct strv annotations; /* "k=v": of manifests that are made of it here */
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
	struct strv diffids, names, repo_digests, annotations;
	struct strv
		manifests; /* further ones with the same config, and indexes: "digest=media type" */
};
void image_summary_done(struct image_summary *s);
int image_store_summary(struct store *st, const char *id,
			struct image_summary *ret); /* names are not filled */

void image_record_done(struct image_record *r);
void image_record_free(struct image_record *r);

/**
 * image_store_put() - durable, atomic; all layers must exist (hold a lease on them: layer.h)
 * An equal image already there is success: repo digests are merged, annotations take the place of
 * those it had, and manifests it lacked are added. @r->names are pointed at it before anybody can find it without a name and remove it.
 */
int image_store_put(struct store *st, const struct image_record *r);
int image_store_load(struct store *st, const char *id,
		     struct image_record **ret); /* -CE_NO_IMAGE */
/**
 * image_store_manifest() - raw bytes of one of its manifests, or of an index it was chosen from
 * @digest: NULL: the first it came with. @ret_type, @ret_digest: malloc'ed. -ENOENT (no trail) when it has no such.
 */
int image_store_manifest(struct store *st, const char *id, const char *digest, struct sbuf *ret,
			 char **ret_type, char **ret_digest);
/** image_store_names() - the references that point at it, added to @ret. */
int image_store_names(struct store *st, const char *id, struct strv *ret);
/** image_store_file() - one of its files, byte for byte, added to @out. */
int image_store_file(struct store *st, const char *id, const char *file, struct sbuf *out);
/** image_store_has() - is it here, or in a shared store (shared.h)? */
bool image_store_has(struct store *st, const char *id);
/** image_store_read_only() - the shared store it is in; NULL when it is here (too), or nowhere. */
const char *image_store_read_only(struct store *st, const char *id);
/** image_store_list() - ids, sorted; those of shared stores, too. */
int image_store_list(struct store *st, struct strv *ret_ids);
enum image_remove_flags {
	IMAGE_REMOVE_USED = 1, /* also when a container uses it (its layers stay) */
	IMAGE_REMOVE_NAMED = 2, /* also when it has several names */
	IMAGE_REMOVE_DANGLING = 4, /* only when it has none */
};
/**
 * image_store_remove() - drop the names that point here, the record, and every layer no other image,
 * container or lease uses. Takes store_lock() exclusive; needs no namespace (all goes to the trash).
 * -CE_IN_USE names a container that uses it, -CE_BAD_STATE the names that are too many.
 */
int image_store_remove(struct store *st, const char *id, unsigned flags);
/**
 * image_store_remove_name() - drop @reference, which points at @id; with its last name the image goes
 * @flags: IMAGE_REMOVE_USED or 0. @ret_gone: the image went too. -CE_NO_IMAGE: the name moved.
 */
int image_store_remove_name(struct store *st, const char *reference, const char *id, unsigned flags,
			    bool *ret_gone);
/** image_store_tag() - ref_set() of an image that is there, and stays there until the name stands. */
int image_store_tag(struct store *st, const char *reference, const char *id, const char *manifest);
/** image_store_users() - ids of containers made from it (record key "ImageID"). */
int image_store_users(struct store *st, const char *id, struct strv *ret_containers);
/** image_store_usage() - the image id of every container, one each. */
int image_store_usage(struct store *st, struct strv *ret_image_ids);
/** image_store_prune_layers() - remove layers that nothing needs, such as those of damaged images. */
int image_store_prune_layers(struct store *st);

/**
 * ref_set() - point full reference (host/path:tag, host/path@digest) at an image; replaces atomically
 * @manifest: digest of the manifest it stands for, NULL: not known. @ret_old: 65 bytes or NULL.
 */
int ref_set(struct store *st, const char *reference, const char *id, const char *manifest,
	    char *ret_old);
/** ref_manifest() - the digest it was set with, "" without one; malloc'ed. */
int ref_manifest(struct store *st, const char *reference, char **ret_digest);
int ref_get(struct store *st, const char *reference, char ret_id[65]); /* -CE_NO_IMAGE */
/** ref_is_own() - is the name in this store, not in a shared one alone? */
bool ref_is_own(struct store *st, const char *reference);
int ref_remove(struct store *st, const char *reference);
int ref_list(struct store *st, struct strv *ret_references);
/** ref_pairs() - references, ids and manifest digests in step; @ret_manifests may be NULL. */
int ref_pairs(struct store *st, struct strv *ret_references, struct strv *ret_ids,
	      struct strv *ret_manifests);
/**
 * ref_escape() / ref_unescape() - injective file names (threats H14); malloc'ed
 * Bytes outside a-z 0-9 - _ . become %xx, so file systems that fold case cannot merge two. What would
 * be longer than 200 bytes becomes a hash; that has no way back, ref_unescape() gives NULL (the file
 * holds the reference itself), as for anything ref_escape() would not have written.
 */
char *ref_escape(const char *reference);
char *ref_unescape(const char *file);
