/* SPDX-License-Identifier: MIT */
/*
 * Artifacts: files under a name, as registries keep them. artifacts/<escaped reference> is the record
 * with the manifest byte for byte, blobs/<sha256> what it names. Both are the user's own files; no
 * namespace is entered for them.
 */
#pragma once
#include <stdint.h>

#include "storage/store.h"

struct artifact_record {
	char *name; /* full reference */
	char *digest; /* "sha256:…" of the manifest */
	char *media_type, *manifest;
	int64_t created_ns;
};
void artifact_record_done(struct artifact_record *r);

/**
 * artifact_store_hold() - a descriptor; while it is open no blob is swept away
 * For the time between writing blobs and the record that names them. Nobody waits for it.
 */
int artifact_store_hold(struct store *st);
/** artifact_store_lock() - for who makes or changes @reference by what is there; taken after the hold. A descriptor. */
int artifact_store_lock(struct store *st, const char *reference);
/** artifact_store_put() - durable; its blobs are there. Replaces one of that name. */
int artifact_store_put(struct store *st, const struct artifact_record *r);
int artifact_store_load(struct store *st, const char *reference,
			struct artifact_record *ret); /* -CE_NO_ARTIFACT */
/** artifact_store_load_file() - by the name of its file; -ENOENT; -CE_CORRUPT when it is of another. */
int artifact_store_load_file(struct store *st, const char *file, struct artifact_record *ret);
/** artifact_store_names() - full references, sorted. */
int artifact_store_names(struct store *st, struct strv *ret);
/** artifact_store_remove() - the record; then every blob that no other names, unless one is being added right now. */
int artifact_store_remove(struct store *st, const char *reference);
/** artifact_store_sweep() - every blob that no artifact and no manifest list names, unless one is being added right now. */
int artifact_store_sweep(struct store *st);

/** artifact_blob_open() - to read; -ENOENT with trail. @digest: valid sha256. */
int artifact_blob_open(struct store *st, const char *digest);
int artifact_blob_read(int dir, const char *digest); /* the same, without a store */
/**
 * artifact_blob_begin() - a nameless file to write a blob into
 * artifact_blob_commit() - it becomes the blob of that digest; one that is there already stays.
 * @dir: store_fd(STORE_BLOBS), also for those who have no store.
 */
int artifact_blob_begin(int dir);
int artifact_blob_commit(int dir, int fd, const char *digest);
/** artifact_blob_put() - both at once; @ret_digest: "sha256:…", malloc'ed. */
int artifact_blob_put(int dir, const void *bytes, size_t n, char **ret_digest);
/** artifact_blob_is_there() - with that size. */
bool artifact_blob_is_there(int dir, const char *digest, uint64_t size);
