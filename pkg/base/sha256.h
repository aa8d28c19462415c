/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4) for cuddy, which must not link a crypto library: names, cache keys, and diffIDs
 * of the layers it makes. With the processor's SHA instructions where it has them (x86-64).
 * cuddy-transfer, which has OpenSSL, hashes what it downloads with pkg/archive/hash.h.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t h[8];
	uint64_t bytes;
	unsigned char block[64];
	size_t fill;
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_end_hex(struct sha256 *s, char ret[65]);
/** sha256_hex() - all at once. */
void sha256_hex(const void *p, size_t n, char ret[65]);
