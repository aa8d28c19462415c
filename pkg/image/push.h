/* SPDX-License-Identifier: MIT */
/* Images to elsewhere: the client's side of cuddy-transfer's push. */
#pragma once
#include "pkg/image/transfer_client.h"

struct push_options {
	struct transfer_form form;
	struct transfer_access access;
	const struct transfer_handler *report; /* its image event: where it went, and the digest */
};

/**
 * image_push() - the image @name to @destination (NULL: where its own name says)
 * A destination may begin with docker://. Usage error for other transports and for names that are local.
 */
int image_push(struct store *st, const char *name, const char *destination,
	       const struct push_options *o);
/**
 * push_destination() - full reference that a push goes to, malloc'ed
 * @given: as typed, NULL: where the name itself says. @typed, @matched: the name, as typed and in full (NULL: an id).
 */
int push_destination(const char *given, const char *typed, const char *matched, char **ret);
