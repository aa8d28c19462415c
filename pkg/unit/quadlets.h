/* SPDX-License-Identifier: MIT */
/* Private to pkg/unit: ".quadlets", several unit files in one. */
#pragma once
#include <stddef.h>

#include "pkg/base/strv.h"

#define QUADLETS_ENDING ".quadlets"

/**
 * quadlets_split() - its parts, which lines "---" keep apart
 * A comment "# FileName=web" in each names it; what it is, its section says ("web.container").
 * @ret_texts: in step with @ret_names. -CE_BAD_FORMAT "line N: …".
 */
int quadlets_split(const char *text, size_t n, struct strv *ret_names, struct strv *ret_texts);
