/* SPDX-License-Identifier: MIT */
/*
 * R8: manifests that are about another one ("subject"). A registry that has the referrers API finds them
 * itself; for all others the index under the tag "sha256-<hex>" of the subject is kept by who pushes.
 */
#pragma once
#include "pkg/transfer/registry.h"

/* A manifest that was pushed. */
struct referrer {
	const char *media_type, *digest;
	const void *bytes;
	size_t n;
};

/* What its subject's tag is to get. */
struct referrer_list {
	char *tag;
	char *etag; /* of what is there now, when the registry tells one that can be asked for; or NULL */
	struct sbuf index;
};
void referrer_list_done(struct referrer_list *l);

/**
 * referrer_index() - the index of its subject's referrers with this one in it
 * Return: 1: @ret has it. 0: it has no subject, or is listed already.
 */
int referrer_index(struct registry *r, const struct referrer *f, struct referrer_list *ret);
