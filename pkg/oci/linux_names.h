/* SPDX-License-Identifier: MIT */
/* Names that configurations, options and reports have for numbers of the kernel. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/strv.h"

/** caps_all() - the mask of all capabilities. */
uint64_t caps_all(void);
/** caps_parse() - "NET_ADMIN", "cap_chown", "ALL" into a mask. */
int caps_parse(const char *name, uint64_t *ret_mask);
/** caps_names() - sorted "CAP_…" of a mask. */
void caps_names(uint64_t mask, struct strv *ret);

/** rlimit_find() - the resource that the @n letters of @name mean ("nofile"). */
bool rlimit_find(const char *name, size_t n, uint32_t *ret);
/** rlimit_name() - "nofile"; NULL. */
const char *rlimit_name(uint32_t resource);
