/* SPDX-License-Identifier: MIT */
/*
 * Is everything in the store what it must be? This looks at records, names and documents; the content
 * of layers is cuddy-transfer's to look at, containers pkg/container's. What can be made right from what
 * is here, store_mend() makes right; what must be fetched again is for the caller.
 */
#pragma once
#include <stdint.h>

#include "storage/store.h"

enum finding_kind {
	FOUND_LAYER, /* missing, or its files are not what they were: to be fetched */
	FOUND_LAYER_BLOB, /* only the archive that was kept of it is damaged */
	FOUND_LAYER_UNUSED,
	FOUND_IMAGE_RECORD, /* can be made again from the config */
	FOUND_IMAGE, /* config or a manifest: to be fetched */
	FOUND_NAME, /* of an image */
	FOUND_CACHE,
	FOUND_VOLUME_RECORD,
	FOUND_VOLUME_DATA, /* its directory is gone */
	FOUND_SECRET,
	FOUND_SECRET_DATA, /* a value without a secret */
	FOUND_LIST, /* of manifests; this and the next by the name of its file */
	FOUND_ARTIFACT,
	FOUND_NETWORK,
	FOUND_LEFTOVER, /* what should have been deleted and cannot be */
	FOUND_CONTAINER, /* its record, or that there is none: only removing it is left */
	FOUND_CONTAINER_NAME,
	FOUND_CONTAINER_DIRS,
	FOUND_CONTAINER_VOLUME,
};

struct finding {
	enum finding_kind kind;
	char *name; /* full id or name */
	char *what; /* words */
	char *more; /* FOUND_CONTAINER_NAME: the name */
	bool mended;
	char *how; /* words: what was done, or why nothing was */
};

struct findings {
	struct finding *v;
	size_t n;
};
void findings_done(struct findings *f);
/** finding_add() - the new one, until the next is added; one of the same kind and name is there once: then that. */
struct finding *finding_add(struct findings *f, enum finding_kind k, const char *name,
			    const char *what);
/** finding_text() - "layer 0123456789ab", "name docker.io/…"; malloc'ed. */
char *finding_text(const struct finding *f);

/**
 * store_check() - add what is wrong; takes store_lock() exclusive for as long as it takes
 * @unused_age_s: layers that nothing needs count when they are older. Not counted at all when a record
 * that says who needs what cannot be read. @content: the blobs of artifacts are read.
 */
int store_check(struct store *st, int64_t unused_age_s, bool content, struct findings *ret);
/**
 * store_mend() - make it right with what is here
 * Return: 0, done; -ENOENT (no trail): not to be done here; -code with trail, tried in vain.
 */
int store_mend(struct store *st, struct finding *f);

/** layer_distrust() - @on: as if it were not there, to be replaced by the next that arrives; or no more. */
int layer_distrust(struct store *st, const char *diffid, bool on);
/**
 * image_store_distrust() - @on: its record is put aside, so that the next that arrives is taken in full;
 * else it is put back, or dropped when there is a new one.
 */
int image_store_distrust(struct store *st, const char *id, bool on);
