/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/build/builder.h"
#include "pkg/build/copy.h"

struct copy_work {
	struct copy_rules rules;
	struct selection files;
	struct ignore *exclude;
	int source;
	struct layer_stage stage; /* holds what was fetched */
	struct selection fetched; /* below its tree */
	struct strv pins; /* what the same fetch will be known by the next time; empty: nothing */
};

/* step_add.c */
/** add_fetch() - the remotes of @o into a stage of @c's. */
int add_fetch(struct builder *b, const struct op *o, struct copy_work *c);
/**
 * add_pins() - 1 when what they give is known beforehand, by checksum, commit, or because the server says it is what
 * it was: into @ret; 0: it is not.
 */
int add_pins(struct builder *b, const struct op *o, struct strv *ret);
