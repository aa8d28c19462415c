/* SPDX-License-Identifier: MIT */
/*
 * What is allowed in a Containerfile and most likely not meant: BuildKit's rules, by its names.
 * Nothing is fetched for it: what only a base image that is not here could tell is not judged.
 */
#pragma once
#include "pkg/build/builder.h"

struct lint_finding {
	const char *rule;
	const char *file; /* the build's, borrowed */
	unsigned nth_file; /* of its files, from 0 */
	unsigned line;
	char *message;
	char *source; /* the line itself */
};
struct lint {
	struct lint_finding *v; /* by file and line */
	unsigned n;
	bool fail; /* "# check=error=true": findings end a build */
};

/** lint_file() - findings that the file's own "# check=skip=…" does not leave out. Usage error: that line is malformed. */
int lint_file(struct builder *b, struct lint *ret);
void lint_done(struct lint *l);
