/* SPDX-License-Identifier: MIT */
/* Statements about images of a manifest list, which go with the list (storage/attestation.h). */
#pragma once
#include "storage/store.h"

struct json_object;

/**
 * list_attest() - say @predicate, of that type, of an image that @list names
 * @image: its id in this store. @subject: what the image is called, as a package URL.
 */
int list_attest(struct store *st, const char *list, const char *image, const char *subject,
		const char *type, struct json_object *predicate, char ret_id[65]);
