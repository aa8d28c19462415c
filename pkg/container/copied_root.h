/* SPDX-License-Identifier: MIT */
/* With the storage driver vfs: a container's root is a copy of its image's layers, made once. */
#pragma once
#include "pkg/container/plan.h"

/**
 * copied_root_make() - containers/<id>/root of @layers, topmost first, unless it is there
 * A copy that a crash cut short is not taken for one. Works in a child in B; not from within B.
 * Return: 0 or what went wrong there.
 */
int copied_root_make(const struct plan_input *in, const struct strv *layers);
bool copied_root_is_made(int data_dir);
/** copied_root_bytes() - size of its files when it was made; -ENOENT (no trail) when it was not. */
int copied_root_bytes(int data_dir, uint64_t *ret);
/** copied_root_time() - when it was made, in seconds; 0: not known. */
int64_t copied_root_time(int data_dir);
