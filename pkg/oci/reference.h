/* SPDX-License-Identifier: MIT */
/* Image references, grammar of distribution/reference: [host[:port]/]path[:tag][@digest]. */
#pragma once
#include <stdbool.h>

struct reference {
	char *host; /* "docker.io", "localhost:5000"; NULL for a short name */
	char *path; /* "library/debian" */
	char *tag; /* NULL when not given */
	char *digest; /* "sha256:…" or NULL */
};

void reference_done(struct reference *r);
/** reference_parse() - usage error with the reason when malformed; 64 hex digits are not a name. */
int reference_parse(const char *s, struct reference *ret);
/**
 * reference_normalise() - host docker.io (and library/) for short names, tag latest when neither
 * tag nor digest was given.
 */
void reference_normalise(struct reference *r);
char *reference_text(const struct reference *r); /* full, malloc'ed: host/path:tag@digest */
char *reference_name(const struct reference *r); /* host/path */
char *
reference_familiar(const struct reference *r); /* as podman prints: full host kept, no digest */
