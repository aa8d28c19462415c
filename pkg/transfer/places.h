/* SPDX-License-Identifier: MIT */
/*
 * Where a name may be had: what a short name can mean, and of each the mirrors and then the registry
 * itself, opened, in the order to try.
 */
#pragma once
#include "pkg/oci/reference.h"
#include "pkg/transfer/registry.h"
#include "pkg/transfer/transfer.h"

struct places {
	struct http *http;
	struct registries conf;
	struct reference ref; /* as typed */
	bool exact; /* with a tag or a digest */
	struct registry *v;
	char **names; /* of each: "host/path" as users call it */
	unsigned n;
	bool probe; /* ask for places_reference() first, by registry_probe(), instead of pinging */
	char *there; /* what that one named which is tried now; NULL: nothing, or not known */
};
void places_done(struct places *p);
/** places_open() - reads files and asks helpers, no network. @typed may begin with docker://. */
int places_open(const char *typed, const struct registry_options *o, struct places *ret);
/** places_reference() - what to ask them for: the digest, else the tag, else latest. */
const char *places_reference(const struct places *p);
/** places_try() - @one for each, pinged or probed, until it succeeds; the last word is what is reported. */
int places_try(struct places *p, struct transfer_ctx *ctx,
	       int (*one)(void *data, struct registry *r, const char *name), void *data);
