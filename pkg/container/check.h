/* SPDX-License-Identifier: MIT */
/* "cuddy system check": is all that is kept what it must be, and can it be made so again? */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "storage/check.h"

struct check_options {
	bool quick; /* do not read all files of all layers */
	bool repair;
	bool force; /* repair: what cannot be mended is removed */
	int64_t unused_age_s; /* layers that nothing needs are an error when they are older */
};

/**
 * store_check_all() - what is wrong, and with @o->repair what became of it
 * Repairing takes nothing away that is whole or the only copy of something: what is damaged stays as
 * it is until its replacement has come and been verified. Running containers keep their layers. Only
 * @o->force removes what is left: images that cannot be fetched again and that no container uses,
 * containers without a readable record that do not run. Moves the process into the base namespace.
 */
int store_check_all(struct store *st, const struct check_options *o, struct findings *ret);
