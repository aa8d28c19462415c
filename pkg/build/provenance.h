/* SPDX-License-Identifier: MIT */
/*
 * How an image was built, as SLSA's provenance has it (slsa.dev/provenance/v0.2), with what BuildKit puts where
 * (slsa-definitions.md). Values of secrets are in none; build arguments, labels and ids of secrets only with
 * @max, for they may tell more than who publishes an image wants to.
 */
#pragma once
#include "pkg/build/build.h"

#define PROVENANCE_TYPE "https://slsa.dev/provenance/v0.2"

struct provenance {
	bool max; /* mode=max */
	bool reproducible; /* the user says so */
	const char *builder_id; /* NULL: none */
	int64_t started_ns, ended_ns;
};

/** provenance_of() - the predicate about the image for @platform ("os/arch[/variant]"). */
int provenance_of(const struct provenance *p, const struct build_options *o, const char *platform,
		  struct json_object **ret);
