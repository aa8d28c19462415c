/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/unit/quadlet.h"

/**
 * quadlet_apply() - make the directory @dir hold the services of @set and no others of ours
 * Each file by rename; what is not ours stays. Files that cannot be translated are said in
 * @ret_errors, one line each, and do not keep the others from being written.
 * Return: 0, or the error that ended it.
 */
int quadlet_apply(int dir, const struct quadlet_set *set, const char *program,
		  struct strv *ret_errors);
