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

/**
 * referrer_index() - the index of its subject's referrers with this one in it
 * Return: 1: @ret_tag (malloc'ed) is to get @ret_index. 0: it has no subject, or is listed already.
 */
int referrer_index(struct registry *r, const struct referrer *f, char **ret_tag,
		   struct sbuf *ret_index);
