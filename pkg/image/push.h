/* SPDX-License-Identifier: MIT */
/* Images to elsewhere: the client's side of cuddy-transfer's push. */
#pragma once
#include "pkg/image/transfer_client.h"

struct sign_options {
	const char *by; /* key of gpg's, or NULL */
	const char *sigstore_key; /* file, or NULL */
	const char *passphrase_file;
};
struct push_options {
	struct sign_options sign;
	struct transfer_form form;
	struct transfer_access access;
	const struct strv *mount_from; /* repositories that may have its layers, "host/path"; NULL: none is known of */
	const char *platform; /* of a list the image for it; an image must be for it; NULL: any */
	const struct transfer_handler *report; /* its image event: where it went, and the digest */
};

struct image_sign_options {
	const char *by; /* key of gpg's */
	const char *directory; /* for signatures; NULL: where registries.d says */
	bool all; /* of a list the images */
	struct transfer_access access;
};

/**
 * image_sign() - simple signatures for @name: an image that was pulled or pushed, or docker://NAME
 * for what the registry has now. Does not enter B.
 */
int image_sign(struct store *st, const char *name, const struct image_sign_options *o);

/**
 * image_push() - the image or list @name to @destination (NULL: where its own name says)
 * A destination may begin with docker://. Usage error for other transports and for names that are local.
 */
int image_push(struct store *st, const char *name, const char *destination,
	       const struct push_options *o);
/**
 * image_push_names() - each of @names to where it says; ends with the first that fails
 * Those that are one image in one repository go at once: blobs are asked for once, and the registry gets all tags
 * in one request where it takes that (R7). Not so with signatures, which are one for each name.
 */
int image_push_names(struct store *st, const struct strv *names, const struct push_options *o);
/** push_signed() - an operation of cuddy-transfer that pushes to @to, signing as @s says; @fds go with it. */
int push_signed(struct store *st, enum transfer_op op, const struct sbuf *body, const int *fds,
		unsigned n_fds, const char *to, const struct sign_options *s,
		const struct transfer_handler *h);
struct transfer_sign push_sign(const struct sign_options *s);
/**
 * push_destination() - full reference that a push goes to, malloc'ed
 * @given: as typed, NULL: where the name itself says. @typed, @matched: the name, as typed and in full (NULL: an id).
 */
int push_destination(const char *given, const char *typed, const char *matched, char **ret);
