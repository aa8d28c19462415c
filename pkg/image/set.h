/* SPDX-License-Identifier: MIT */
/* All images at once, with what can only be told by looking at all: parents, users. */
#pragma once
#include <stdbool.h>

#include "pkg/oci/image_config.h"
#include "storage/image_store.h"

struct image_entry {
	struct image_summary s; /* only the id when the record is damaged */
	struct strv digests; /* "name=digest of the manifest it stands for" */
	struct strv shown; /* of its names, those that are asked for */
	struct image_config config;
	bool has_config, read_only; /* read_only: it is in a shared store alone */
	unsigned containers;
	const struct image_entry *parent; /* the image it was built on, if that is here */
	bool has_children; /* something was built on it and has no nearer parent */
	bool is_list; /* a manifest list, not an image */
};

struct image_set {
	struct image_entry *v;
	size_t n;
};

enum image_set_flags {
	IMAGE_SET_CONFIG = 1,
	IMAGE_SET_PARENTS = 2, /* implies the configs */
	IMAGE_SET_CONTAINERS = 4,
	IMAGE_SET_CHILDREN = 16, /* has_children of those without a name, which reads few configs */
	IMAGE_SET_LISTS = 8, /* manifest lists too, which look like images without layers */
};

int image_set_load(struct store *st, unsigned flags, struct image_set *ret);
void image_set_done(struct image_set *set);
