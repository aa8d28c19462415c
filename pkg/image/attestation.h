/* SPDX-License-Identifier: MIT */
/* Statements about images of a manifest list, which go with the list (storage/attestation.h). */
#pragma once
#include "storage/store.h"

struct json_object;

/**
 * list_attest() - say something of an image that @list names: one entry more
 * @image: its id in this store. @subject: what the image is called, as a package URL.
 * @statements: an array, each with predicateType, predicate and perhaps subject; without that it is the image.
 */
int list_attest(struct store *st, const char *list, const char *image, const char *subject,
		struct json_object *statements, char ret_id[65]);
