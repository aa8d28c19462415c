/* SPDX-License-Identifier: MIT */
/*
 * Maps of ids, from a container's ("inside") to those of the base namespace ("outside": 0 is the user,
 * 1… his subordinate ids in order). Arithmetic only. In records they stand as "inside:outside:count".
 */
#pragma once
#include "pkg/base/strv.h"
#include "pkg/runtime/plan.h"

struct idmap {
	struct rt_idmap *v;
	unsigned n;
};
void idmap_done(struct idmap *m);
void idmap_add(struct idmap *m, uint32_t inside, uint32_t outside,
	       uint32_t count); /* count 0: nothing */
/** idmap_insert() - what is in the way, inside or outside, makes room; its remains are kept. */
void idmap_insert(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count);
/** idmap_check() - disjoint on both sides, at most @limit ids outside, with a root. A usage error names @flag. */
int idmap_check(const struct idmap *m, uint64_t limit, const char *flag);
/** idmap_is_identity() - does each id mean itself? Then no file needs another owner. */
bool idmap_is_identity(const struct rt_idmap *v, unsigned n);
/** idmap_has_outside() - is @outside anybody inside? */
bool idmap_has_outside(const struct rt_idmap *v, unsigned n, uint32_t outside);

void idmap_write(const struct idmap *m, struct strv *ret);
int idmap_read(const struct strv *text, struct idmap *ret);
