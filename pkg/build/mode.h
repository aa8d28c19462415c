/* SPDX-License-Identifier: MIT */
/* --chmod: octal ("755") or symbolic ("u=rwX,go-w"), as chmod(1) has it. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/** mode_check() - usage error when @spec is neither. */
int mode_check(const char *spec);
/** mode_apply() - permission bits that something with @mode gets; @spec was checked. */
mode_t mode_apply(const char *spec, mode_t mode, bool directory);
