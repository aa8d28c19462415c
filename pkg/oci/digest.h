/* SPDX-License-Identifier: MIT */
/* Digests, OCI image-spec descriptor.md: "sha256:<64 hex>" or "sha512:<128 hex>", nothing else (D6, G09). */
#pragma once
#include <stdbool.h>

#define DIGEST_TEXT_MAX (7 + 128 + 1)

bool digest_is_valid(const char *s);
/** digest_hex() - the part after the colon of a valid digest; points into @s. */
const char *digest_hex(const char *s);
