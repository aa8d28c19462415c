/* SPDX-License-Identifier: MIT */
/* The option rows of verbs that sign what they push. */
#pragma once
#include "pkg/cli/options.h"
#include "pkg/image/push.h"

struct sign_args {
	struct sign_options o;
	const char *file; /* of parameters: containers-sigstore-signing-params.yaml(5) */
};
extern const struct opt sign_opts[];

/**
 * sign_options_of() - what was given, checked; what the file names is kept until the process ends
 * @destination: as typed, or NULL: what is no registry takes no signatures. Usage error, or the file's.
 */
int sign_options_of(const struct sign_args *a, const char *destination, struct sign_options *ret);
