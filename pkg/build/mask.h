/* SPDX-License-Identifier: MIT */
/*
 * Secrets in what commands print: each line of a value stands as *** wherever lines are shown or logged. Short
 * ones do not count: they would hide ordinary words. What a command makes of a value is not known here.
 */
#pragma once
#include "pkg/build/builder.h"

#define MASK_LEAST 4 /* bytes */

struct masks {
	struct strv words; /* the longest first */
};
/** masks_of_stage() - of the secrets that commands of stage @i mount. Return: are there any? */
bool masks_of_stage(const struct builder *b, unsigned i, struct masks *ret);
void masks_done(struct masks *m);
/** masks_apply() - @line is a whole line. */
void masks_apply(const struct masks *m, struct sbuf *line);
/** masks_longest() - of what may be found, in bytes; 0: nothing is. */
size_t masks_longest(const struct masks *m);
