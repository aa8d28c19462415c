/* SPDX-License-Identifier: MIT */
/* Shared by base.c, base_join.c and base_make.c. */
#pragma once
#include "pkg/runtime/base.h"

/** base_join_any() - a descriptor of a living B with these @maps, or -ESRCH (no trail); @ret_pidfd: who led to it. */
int base_join_any(int runtime_dir, const char *maps, int *ret_pidfd);
/** base_lives() - has the process of @pidfd not ended? */
bool base_lives(int pidfd);
/** base_make() - a descriptor of a new B. */
int base_make(const struct base_grant *g, const char *maps);
/** base_host_problem() - why the kernel would not give us a user namespace (@r), as one line that mends it. Return: < 0. */
int base_host_problem(int r);
