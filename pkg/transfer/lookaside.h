/* SPDX-License-Identifier: MIT */
/*
 * registries.d: where signatures of images lie (containers-registries.d(5)). The user's directory,
 * if there is one, else /etc's; every *.yaml in it.
 */
#pragma once
#include <stdbool.h>

#include "pkg/base/strv.h"
#include "pkg/oci/reference.h"

struct lookaside_scope {
	char *scope; /* of "docker:"; NULL: default-docker */
	char *lookaside, *staging; /* urls */
	bool lookaside_old, staging_old; /* said as sigstore and sigstore-staging */
	int attachments; /* use-sigstore-attachments: -1 not said */
};

struct lookasides {
	struct lookaside_scope *v;
	unsigned n;
};
void lookasides_done(struct lookasides *l);
int lookasides_load(struct lookasides *ret);
/** lookasides_only() - instead of all that: one directory, for every image. */
void lookasides_only(const char *directory, struct lookasides *ret);
/** lookasides_parse() - one file's text; exposed for tests. */
int lookasides_parse(struct lookasides *l, const char *file, const char *text, size_t n);

/**
 * lookaside_url() - url of the directory that has an image's signatures, malloc'ed
 * @write: where to put new ones. @digest: of the manifest. -ENOENT (no trail) when nothing says where.
 */
int lookaside_url(const struct lookasides *l, const struct reference *ref, const char *digest,
		  bool write, char **ret);
bool lookaside_attachments(const struct lookasides *l, const struct reference *ref);
