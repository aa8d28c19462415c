/* SPDX-License-Identifier: MIT */
/*
 * --annotation, as BuildKit writes them: [TYPE[,TYPE…]:]KEY=VALUE, where TYPE is manifest (when none is named),
 * manifest-descriptor, index, or index-descriptor, and the first two may name a platform: manifest[linux/arm64]:KEY=VALUE.
 * Descriptors are the entries of the index of several platforms, and that of the index in an archive (image-spec,
 * annotations.md).
 */
#pragma once
#include "pkg/base/strv.h"

enum annotation_target {
	ANNOTATE_MANIFEST,
	ANNOTATE_DESCRIPTOR,
	ANNOTATE_INDEX,
	ANNOTATE_INDEX_DESCRIPTOR
};

struct annotation {
	enum annotation_target target;
	char *platform; /* normalised; NULL: whatever platform */
	char *pair; /* "KEY=VALUE" */
};

struct annotations {
	struct annotation *v;
	unsigned n;
};

/** annotations_add() - as the user typed it, one for each TYPE; usage error. */
int annotations_add(struct annotations *a, const char *typed);
void annotations_done(struct annotations *a);
/** annotations_for() - set those of @target and @platform ("os/arch[/variant]"; NULL: those of no platform only) in @ret. */
void annotations_for(const struct annotations *a, enum annotation_target target,
		     const char *platform, struct strv *ret);
/** annotations_of_index() - is there one that only an index or its entries can have? */
bool annotations_of_index(const struct annotations *a);
/** annotations_of_archive() - is there one that only what names an index in an archive can have? */
bool annotations_of_archive(const struct annotations *a);
