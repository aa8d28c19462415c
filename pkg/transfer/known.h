/* SPDX-License-Identifier: MIT */
/* What of a pull is here already, as far as one question to the registry tells. */
#pragma once
#include "pkg/oci/manifest.h"
#include "storage/image_store.h"

struct known {
	char id[65];
	struct manifest manifest; /* the image's */
	char *digest; /* of it */
	char *list; /* digest of the index it was chosen from; NULL: none */
};
void known_done(struct known *k);

/**
 * known_image() - is what a pull of this name would bring, the image that has the name now?
 * @name: "host/path"; @reference: the whole name. @there: digest of the manifest or index that the registry
 * has under it. True only when all of it is here: the record, both documents, every layer, what is made of
 * them; and when the image is for @want. No namespace needed.
 */
bool known_image(struct store *st, const char *name, const char *reference, const char *there,
		const struct platform *want, struct known *ret);
