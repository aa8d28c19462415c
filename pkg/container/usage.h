/* SPDX-License-Identifier: MIT */
/*
 * `system df`: what images, containers and volumes take on disk. The sizes are what du would say of
 * the store: allocated blocks, a layer that several images share counted once.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

struct json_object;

/* Arrays of rows, the caller's to put; but for the first only with details. */
struct usage {
	struct json_object *
		kinds; /* images, containers, volumes: Type Total Active Size Reclaimable RawSize RawReclaimable */
	struct json_object
		*images; /* Repository Tag ID Created Size SharedSize UniqueSize Containers */
	struct json_object
		*containers; /* ID Image Command LocalVolumes Size Created Status Names */
	struct json_object *volumes; /* Name Links Size */
	struct json_object
		*layers; /* always; of each id an object: Bytes, Needed by an image or container */
	uint64_t cache_bytes, loose_bytes; /* what cache/ takes; layers that nobody needs */
	struct json_object *parts; /* of downloads that were cut off: Digest Size; always there */
};
/** usage_kind() - a row of kinds */
struct json_object *usage_kind(const char *type, size_t total, size_t active, uint64_t bytes,
			       uint64_t reclaimable);
void usage_done(struct usage *u);

/**
 * usage_count() - look at every file of the store, so it takes its time
 * Moves the process into the base namespace. What comes or goes meanwhile is counted or not.
 */
int usage_count(struct store *st, bool details, struct usage *ret);
