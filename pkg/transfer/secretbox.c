/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL has Poly1305, not Salsa20 (Bernstein, "The Salsa20 family of stream ciphers" and "Extending
 * the Salsa20 nonce"). A mistake here cannot give a wrong key: the authenticator comes first.
 */
#include "pkg/transfer/secretbox.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

#define BLOCK 64
#define TAG 16

static uint32_t load32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store32(unsigned char *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static uint32_t turn(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*b ^= turn(*a + *d, 7);
	*c ^= turn(*b + *a, 9);
	*d ^= turn(*c + *b, 13);
	*a ^= turn(*d + *c, 18);
}

static void rounds(uint32_t x[16])
{
	for (unsigned i = 0; i < 20; i += 2) {
		for (unsigned k = 0; k < 4; k++) /* columns */
			quarter(&x[5 * k], &x[(5 * k + 4) % 16], &x[(5 * k + 8) % 16],
				&x[(5 * k + 12) % 16]);
		for (unsigned k = 0; k < 4; k++) /* rows */
			quarter(&x[5 * k], &x[4 * k + (k + 1) % 4], &x[4 * k + (k + 2) % 4],
				&x[4 * k + (k + 3) % 4]);
	}
}

static void fill(uint32_t x[16], const unsigned char key[32], const unsigned char in[16])
{
	static const unsigned char sigma[] = "expand 32-byte k";

	for (unsigned i = 0; i < 4; i++) {
		x[5 * i] = load32(sigma + 4 * i);
		x[1 + i] = load32(key + 4 * i);
		x[6 + i] = load32(in + 4 * i);
		x[11 + i] = load32(key + 16 + 4 * i);
	}
}

/* The key for a nonce that is longer than Salsa20's: HSalsa20. */
static void subkey(const unsigned char key[32], const unsigned char nonce[16],
		   unsigned char ret[32])
{
	static const unsigned char from[] = {0, 5, 10, 15, 6, 7, 8, 9};
	uint32_t x[16];

	fill(x, key, nonce);
	rounds(x);
	for (unsigned i = 0; i < 8; i++)
		store32(ret + 4 * i, x[from[i]]);
	OPENSSL_cleanse(x, sizeof(x));
}

static void key_stream(const unsigned char key[32], const unsigned char nonce[8], uint64_t number,
		       unsigned char ret[BLOCK])
{
	unsigned char in[16];
	uint32_t x[16], y[16];

	memcpy(in, nonce, 8);
	store32(in + 8, (uint32_t)number);
	store32(in + 12, (uint32_t)(number >> 32));
	fill(x, key, in);
	memcpy(y, x, sizeof(y));
	rounds(x);
	for (unsigned i = 0; i < 16; i++)
		store32(ret + 4 * i, x[i] + y[i]);
	OPENSSL_cleanse(x, sizeof(x));
	OPENSSL_cleanse(y, sizeof(y));
}

static void mac_freep(EVP_MAC **m)
{
	EVP_MAC_free(*m);
}

static void mac_context_freep(EVP_MAC_CTX **c)
{
	EVP_MAC_CTX_free(*c);
}

static bool is_right(const unsigned char key[32], const unsigned char *p, size_t n,
		     const unsigned char tag[TAG])
{
	AUTO(mac_freep) EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	AUTO(mac_context_freep) EVP_MAC_CTX *c = mac ? EVP_MAC_CTX_new(mac) : NULL;
	unsigned char have[TAG];
	size_t len = 0;

	return c && EVP_MAC_init(c, key, 32, NULL) == 1 && EVP_MAC_update(c, p, n) == 1 &&
	       EVP_MAC_final(c, have, &len, sizeof(have)) == 1 && len == TAG &&
	       CRYPTO_memcmp(have, tag, TAG) == 0;
}

int secretbox_open(const unsigned char key[SECRETBOX_KEY],
		   const unsigned char nonce[SECRETBOX_NONCE], const struct sbuf *box,
		   struct sbuf *ret)
{
	const unsigned char *tag = (const unsigned char *)box->s, *p = tag + TAG;
	size_t n = box->len >= TAG ? box->len - TAG : 0;
	unsigned char own[32], stream[BLOCK];
	bool right;

	if (box->len < TAG)
		return -CE_DENIED;
	subkey(key, nonce, own);
	key_stream(own, nonce + 16, 0, stream);
	right = is_right(stream, p, n, tag);
	/* The first half of the first block was the authenticator's key. */
	for (size_t i = 0; right && i < n; i++) {
		char c;

		if ((i + 32) % BLOCK == 0)
			key_stream(own, nonce + 16, (i + 32) / BLOCK, stream);
		c = (char)(p[i] ^ stream[(i + 32) % BLOCK]);
		sbuf_add(ret, &c, 1);
	}
	OPENSSL_cleanse(own, sizeof(own));
	OPENSSL_cleanse(stream, sizeof(stream));
	return right ? 0 : -CE_DENIED;
}
