/* SPDX-License-Identifier: MIT */
/* Images found in a bundle, between "what does the archive say" and "put it into the store". */
#pragma once
#include "pkg/oci/image_config.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/bundle.h"

struct load_image {
	char id[65];
	const struct sbuf *config; /* in the bundle */
	const struct sbuf *manifest; /* NULL: the archive has none */
	char manifest_digest[72];
	char *manifest_type;
	struct image_config parsed;
	struct strv members; /* the layers' names in the bundle, bottom first */
	struct strv media_types; /* in step, or empty */
	struct strv names; /* full references, checked */
	uint64_t size_bytes; /* of its layers' trees, once they are in the store */
};

struct load_images {
	struct load_image *v;
	size_t n;
};

/** load_image_new() - a zeroed one at the end; pointers to earlier ones are stale. */
struct load_image *load_image_new(struct load_images *l);
void load_images_done(struct load_images *l);
/** load_images_keep() - only the one at @index stays. */
void load_images_keep(struct load_images *l, size_t index);

/* What the archive lists; every digest and name it gives was compared. Layers are not looked at. */
/* @entry: only the image with that name, or "@index"; NULL or "": all. */
int load_list_docker(struct bundle *b, const struct sbuf *list, const char *entry,
		     struct load_images *ret);
/* Podman's transport "dir": @raw is the manifest, blobs are files named by their digest. */
int load_list_dir(struct bundle *b, const struct sbuf *raw, struct load_images *ret);
/* @entry: tag or digest of one of its index, "" for that of the platform; NULL: all that have names. */
int load_list_oci(struct bundle *b, const struct platform *want, const char *entry,
		  struct load_images *ret);
/** load_set_manifest() - an image by its manifest; @name_of: of a blob's member, malloc'ed. */
int load_set_manifest(struct bundle *b, const struct manifest *m, const struct sbuf *raw,
		      const char *digest, char *(*name_of)(const char *digest),
		      struct load_image *image);
/** load_set_config() - parse and check a config; @image->id is its digest. */
int load_set_config(struct load_image *image, const struct sbuf *config);
