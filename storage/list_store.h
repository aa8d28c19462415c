/* SPDX-License-Identifier: MIT */
/*
 * Manifest lists that are being made here: one file for each, lists/<escaped reference>. What they
 * name are images of this store or of registries; nothing of those is kept alive by a list.
 */
#pragma once
#include <stdint.h>

#include "storage/store.h"

struct json_object;

struct list_record {
	char *name; /* full reference */
	char id[65]; /* made up, for those who name lists by id */
	int64_t created_ns;
	struct json_object *index; /* the OCI index as it stands */
	char *raw; /* its very bytes, of a copy that nobody has changed; or NULL */
	/*
	 * By digest of an entry, where the image is: {"Image": id} in this store, or
	 * {"Source": "host/path", "Insecure": bool} at a registry. Of an artifact made for this list
	 * {"Manifest": "…"}, its very bytes; its files are blobs (artifact_store.h).
	 */
	struct json_object *instances;
};
void list_record_done(struct list_record *r);
/** list_record_artifacts() - the manifests of those it keeps itself, added to @ret. */
void list_record_artifacts(const struct list_record *r, struct strv *ret);

/** list_store_lock() - whoever loads a list to write it back holds this; a descriptor. */
int list_store_lock(struct store *st);
/** list_store_load_file() - the same by the name of its file below lists/; -CE_CORRUPT when it is of another. */
int list_store_load_file(struct store *st, const char *file, struct list_record *ret);
int list_store_load(struct store *st, const char *reference,
		    struct list_record *ret); /* -CE_NO_LIST */
/** list_store_put() - durable, as a whole. With @fresh -EEXIST (no trail) when there is one; else it was changed: without raw. */
int list_store_put(struct store *st, const struct list_record *r, bool fresh);
int list_store_remove(struct store *st, const char *reference); /* -CE_NO_LIST */
/** list_store_names() - full references, sorted. */
int list_store_names(struct store *st, struct strv *ret);
/** list_store_images() - ids of the images of this store that lists name. */
int list_store_images(struct store *st, struct strv *ret_ids);
