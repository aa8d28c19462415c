/* SPDX-License-Identifier: MIT */
/* SHA-256 and SHA-512 as digests write them. */
#pragma once
#include <stddef.h>

#define HASH_HEX_MAX (128 + 1)

enum hash_kind { HASH_SHA256, HASH_SHA512 };

struct hash;
struct hash *hash_new(enum hash_kind k);
void hash_add(struct hash *h, const void *p, size_t n);
/** hash_hex() - lower-case hex of all that was added; the hash starts anew. */
void hash_hex(struct hash *h, char hex[HASH_HEX_MAX]);
void hash_free(struct hash *h); /* NULL is fine */
void hash_freep(struct hash **h);
/** hash_sha256_of() - of one piece of memory. */
void hash_sha256_of(const void *p, size_t n, char hex[65]);
/** hash_digest_of() - the same as a digest, "sha256:…"; malloc'ed. */
char *hash_digest_of(const void *p, size_t n);
