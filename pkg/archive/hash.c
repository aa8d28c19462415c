/* SPDX-License-Identifier: MIT */
#include "pkg/archive/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"

struct hash {
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
};

struct hash *hash_new(enum hash_kind k)
{
	struct hash *h = xmalloc(sizeof(*h));

	h->md = k == HASH_SHA512 ? EVP_sha512() : EVP_sha256();
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || !EVP_DigestInit_ex(h->ctx, h->md, NULL))
		abort();
	return h;
}

void hash_add(struct hash *h, const void *p, size_t n)
{
	if (!EVP_DigestUpdate(h->ctx, p, n))
		abort();
}

void hash_hex(struct hash *h, char hex[HASH_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_DigestFinal_ex(h->ctx, raw, &n) || !EVP_DigestInit_ex(h->ctx, h->md, NULL))
		abort();
	for (unsigned i = 0; i < n; i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
	hex[2 * n] = '\0';
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void hash_freep(struct hash **h)
{
	hash_free(*h);
	*h = NULL;
}

void hash_sha256_of(const void *p, size_t n, char hex[65])
{
	struct hash *h = hash_new(HASH_SHA256);
	char all[HASH_HEX_MAX];

	hash_add(h, p, n);
	hash_hex(h, all);
	memcpy(hex, all, 65);
	hash_free(h);
}

char *hash_digest_of(const void *p, size_t n)
{
	char hex[65];

	hash_sha256_of(p, n, hex);
	return xasprintf("sha256:%s", hex);
}
