/* SPDX-License-Identifier: MIT */
/* Room in the store for what one process needs and nobody keeps. */
#pragma once
#include "storage/store.h"

/**
 * scratch_dir() - an empty directory, mode 0755, that goes when this process exits; a descriptor
 * In B. When the process is killed it is a stage without an owner, which the next command sweeps. A
 * child that this process forks neither keeps it nor removes it.
 */
int scratch_dir(struct store *st);
/** scratch_clear() - all of them that this process made, now. */
void scratch_clear(void);
