/* SPDX-License-Identifier: MIT */
/* Bytes against the digest that was promised for them. */
#pragma once
#include "pkg/archive/hash.h"

/** verify_new() - a hash of the algorithm of @digest (valid: digest.h). */
struct hash *verify_new(const char *digest);
/** verify_hash() - 0 when all that was added to @h has that digest, else -CE_BAD_DIGEST. */
int verify_hash(struct hash *h, const char *digest);
/** verify_bytes() - the same for bytes at hand. */
int verify_bytes(const char *digest, const void *p, size_t n);
