/* SPDX-License-Identifier: MIT */
/*
 * --cache-from and --cache-to: what steps led to, carried to other stores.
 *
 * Such a cache is an image: its layers are those that steps made, its config says under
 * CACHE_RECORDS which key led to which of them. So registries and layouts keep it like any other
 * image, and layers that are there already are not sent again. A key stands for all that decides a
 * step (cache.h), never for its text: what was made of other things is not found. Whoever can write
 * such a cache decides what these keys lead to, as whoever can push a base image decides what is in it.
 */
#pragma once
#include "pkg/build/builder.h"

enum cache_kind { CACHE_REGISTRY, CACHE_LOCAL, CACHE_INLINE };

struct cache_entry {
	char key[65];
	struct cache_record record;
};

struct cache_place {
	enum cache_kind kind;
	char *spec; /* as given, for messages */
	char *ref; /* CACHE_REGISTRY, in full */
	bool any_tag; /* none was given: that of caches, or an image with a cache in it */
	char *path; /* CACHE_LOCAL */
	int dir, parent; /* its directory; where to make it */
	char *compression;
	int insecure; /* 1: plain HTTP will do */
	bool min, ignore_error;
	struct cache_entry *v; /* what an import has, sorted by key */
	unsigned n;
};

#define CACHE_TAG "buildcache"

/** cache_place_parse() - "REPOSITORY[:TAG]" or "type=…,key=value"; @export: of --cache-to. */
int cache_place_parse(const char *spec, bool export, struct cache_place *ret);
void cache_place_done(struct cache_place *p);
/** cache_repositories() - of --cache-to: where layers of the build are by now, "host/path". */
void cache_repositories(const struct strv *cache_to, struct strv *ret);
/** cache_entries_parse() - of a config; @ret_v sorted by key, malloc'ed. Lines that are none are left out. */
int cache_entries_parse(const char *config, size_t n, struct cache_entry **ret_v, unsigned *ret_n);
