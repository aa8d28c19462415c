/* SPDX-License-Identifier: MIT */
/* Images out of files: the client's side of cuddy-transfer's load and import. */
#pragma once
#include "pkg/base/strv.h"
#include "pkg/image/transfer_client.h"

/**
 * image_load() - every image of a docker-archive, OCI archive or OCI layout directory
 * @fd: a file, pipe or directory. @h->image is called once per name when all is in the store.
 */
int image_load(struct store *st, int fd, const struct transfer_load *l,
	       const struct transfer_handler *h);
/** image_load_told() - the same, and an event for each. */
int image_load_told(struct store *st, int fd, const struct transfer_load *l,
		    const struct transfer_handler *h);

/**
 * image_load_entry() - only the layers of one image of a layout, which nothing names then; and its config
 * @entry: tag or digest, "" for the only one or that of @platform (NULL: this machine's).
 */
int image_load_entry(struct store *st, int fd, const char *entry, const char *platform,
		     struct sbuf *ret_config);

struct import_options {
	const struct strv *changes; /* Containerfile instructions */
	const char *message;
	const char *platform;
};
/** image_import() - a tar of a root file system, compressed or not, as an image. @reference: as typed, or NULL. */
int image_import(struct store *st, int fd, const char *reference, const struct import_options *o,
		 const struct transfer_handler *h);
