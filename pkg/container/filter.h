/* SPDX-License-Identifier: MIT */
/* --filter key=value for containers: same key ORs (label ANDs), different keys AND. */
#pragma once
#include "pkg/container/container.h"

/** filters_check() - unknown keys and malformed values are usage errors. */
int filters_check(struct store *st, const struct strv *filters);
bool filters_match(struct store *st, const struct strv *filters, const struct container *c);
