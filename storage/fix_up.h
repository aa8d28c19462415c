/* SPDX-License-Identifier: MIT */
/*
 * Why a fix-up: an archive may hold usr/bin/x without listing usr/ and usr/bin/. Extracting it makes
 * both with default attributes, and since overlay takes a merged directory's attributes from the
 * topmost layer that has it, /tmp of the layer below would lose its 1777. One more layer on top
 * gives each such directory the attributes of the topmost layer that really lists it. It holds
 * nothing but those directories and the way to them, is made once for a chain of layers, and is
 * remembered as not needed by an empty directory. Making it reads and chowns what belongs to
 * subordinate ids, so it is done in B, when an image arrives or at the first start.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/strv.h"
#include "storage/store.h"

struct chain {
	const struct strv *diffids; /* bottom first */
	int *trees;
	struct strv *implied; /* of each layer; sorted, "" is the root */
};

/** chain_open() - the layers' trees; @ret_any: one of them has implied directories. */
int chain_open(struct store *st, const struct strv *diffids, struct chain *c, bool *ret_any);
void chain_done(struct chain *c); /* also after a failed open */

/** fix_up_find() - all that overlay would show wrongly, sorted, so that parents come before what is in them. */
int fix_up_find(const struct chain *c, struct strv *ret);
/** fix_up_make() - @wrong below @tree, each with the attributes that are to be seen. */
int fix_up_make(const struct chain *c, int tree, const struct strv *wrong);
