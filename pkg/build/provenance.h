/* SPDX-License-Identifier: MIT */
/*
 * How an image was built, as SLSA's provenance has it (slsa.dev/provenance/v1, or v0.2), with what BuildKit puts
 * where (slsa-definitions.md). Values of secrets are in none; build arguments, labels and ids of secrets only with
 * @max, for they may tell more than who publishes an image wants to.
 */
#pragma once
#include "pkg/build/build.h"

struct provenance {
	bool max; /* mode=max */
	bool v02; /* as version 0.2 has it, else 1 */
	bool reproducible; /* the user says so */
	const char *builder_id; /* NULL: none */
	int64_t started_ns, ended_ns;
};

/** provenance_of() - the statement about the image for @platform ("os/arch[/variant]"): predicateType and predicate. */
int provenance_of(const struct provenance *p, const struct build_options *o, const char *platform,
		  struct json_object **ret);
