/* SPDX-License-Identifier: MIT */
/*
 * Names for the builder, as scripts of docker buildx make them: builders/<escaped name>. There is one
 * builder, which runs while it builds; a name keeps what it was made with, and which one is used.
 */
#pragma once
#include <stdint.h>

#include "storage/store.h"

#define BUILDER_DEFAULT "default" /* is always there, without a record */

struct builder_record {
	char *name;
	char *driver; /* what it was asked to be; it is the same */
	char *node;
	struct strv platforms; /* that it was said to be for, besides what the machine can */
	int64_t created_ns;
	bool used; /* by those who name none */
};
void builder_record_done(struct builder_record *r);

/** builder_put() - durable; with @fresh -EEXIST (no trail) when there is one. */
int builder_put(struct store *st, const struct builder_record *r, bool fresh);
/** builder_load() - -CE_NO_OBJECT. Of BUILDER_DEFAULT what it is. */
int builder_load(struct store *st, const char *name, struct builder_record *ret);
int builder_remove(struct store *st, const char *name); /* -CE_NO_OBJECT */
/** builder_names() - sorted, with BUILDER_DEFAULT first. */
int builder_names(struct store *st, struct strv *ret);
/** builder_use() - from now on; BUILDER_DEFAULT: none of the others. */
int builder_use(struct store *st, const char *name);
/** builder_used() - which one that is, malloc'ed. */
int builder_used(struct store *st, char **ret);
