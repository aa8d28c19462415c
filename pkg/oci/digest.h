/* SPDX-License-Identifier: MIT */
/* Digests, OCI image-spec descriptor.md: "sha256:<64 hex>" or "sha512:<128 hex>", nothing else (D6, G09). */
#pragma once
#include <stdbool.h>

#include "pkg/base/strv.h"

#define DIGEST_TEXT_MAX (7 + 128 + 1)

bool digest_is_valid(const char *s);
/** digest_sha256_of() - "sha256:…" of one piece of memory; malloc'ed. */
char *digest_sha256_of(const void *p, size_t n);
/** digest_hex() - the part after the colon of a valid digest; points into @s. */
const char *digest_hex(const char *s);
/**
 * digest_chain_id() - ChainID of a stack of layers, image-spec config.md: hex, of SHA-256
 * @diffids: hex, bottom first. What names all of them together; that of one layer is its diffID.
 */
void digest_chain_id(const struct strv *diffids, char ret[65]);
