/* SPDX-License-Identifier: MIT */
#include "pkg/base/sha256.h"

#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

static const uint32_t round_words[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t ror(uint32_t v, unsigned n)
{
	return v >> n | v << (32 - n);
}

static void mix_portable(struct sha256 *s, const unsigned char *p)
{
	uint32_t w[64], v[8];

	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (unsigned i = 16; i < 64; i++) {
		uint32_t a = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t b = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10;

		w[i] = w[i - 16] + a + w[i - 7] + b;
	}
	memcpy(v, s->h, sizeof(v));
	for (unsigned i = 0; i < 64; i++) {
		uint32_t e = ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25);
		uint32_t a = ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22);
		uint32_t t1 = v[7] + e + ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_words[i] + w[i];
		uint32_t t2 = a + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (unsigned i = 0; i < 8; i++)
		s->h[i] += v[i];
}

#ifdef __x86_64__
/* CPUID: SSSE3, SSE4.1 and the SHA instructions. */
static bool cpu_has_sha(void)
{
	static int known;
	unsigned a, b, c, d;

	if (!known) {
		known = 1;
		if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSSE3) && (c & bit_SSE4_1) &&
		    __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA))
			known = 2;
	}
	return known == 2;
}

/*
 * The instructions hold the state as (a b e f) and (c d g h), do two rounds each, and make the next
 * four words of the message from the sixteen before.
 */
__attribute__((target("sha,sse4.1,ssse3"))) static void mix_cpu(struct sha256 *s,
								const unsigned char *p, size_t n)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i dcba = _mm_shuffle_epi32(_mm_loadu_si128((const void *)s->h), 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const void *)(s->h + 4)), 0x1b);
	__m128i abef = _mm_alignr_epi8(dcba, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, dcba, 0xf0);

	for (; n; n--, p += 64) {
		__m128i m[4], was0 = abef, was1 = cdgh;

#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++) {
			__m128i *w = &m[i & 3], k;

			if (i < 4) {
				*w = _mm_loadu_si128((const void *)(p + (size_t)16 * i));
				*w = _mm_shuffle_epi8(*w, swap);
			} else {
				const __m128i near = m[(i + 3) & 3];

				*w = _mm_sha256msg1_epu32(*w, m[(i + 1) & 3]);
				*w = _mm_add_epi32(*w, _mm_alignr_epi8(near, m[(i + 2) & 3], 4));
				*w = _mm_sha256msg2_epu32(*w, near);
			}
			k = _mm_loadu_si128((const void *)(round_words + (size_t)4 * i));
			k = _mm_add_epi32(k, *w);
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
		}
		abef = _mm_add_epi32(abef, was0);
		cdgh = _mm_add_epi32(cdgh, was1);
	}
	dcba = _mm_shuffle_epi32(abef, 0x1b);
	hgfe = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((void *)s->h, _mm_blend_epi16(dcba, hgfe, 0xf0));
	_mm_storeu_si128((void *)(s->h + 4), _mm_alignr_epi8(hgfe, dcba, 8));
}
#endif

static void mix(struct sha256 *s, const unsigned char *p, size_t blocks)
{
#ifdef __x86_64__
	if (cpu_has_sha()) {
		mix_cpu(s, p, blocks);
		return;
	}
#endif
	for (; blocks; blocks--, p += 64)
		mix_portable(s, p);
}

void sha256_init(struct sha256 *s)
{
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memset(s, 0, sizeof(*s));
	memcpy(s->h, start, sizeof(start));
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	const unsigned char *c = p;

	s->bytes += n;
	if (s->fill) {
		size_t take = sizeof(s->block) - s->fill;

		take = take > n ? n : take;
		memcpy(s->block + s->fill, c, take);
		s->fill += take;
		c += take;
		n -= take;
		if (s->fill < sizeof(s->block))
			return;
		mix(s, s->block, 1);
		s->fill = 0;
	}
	if (n >= sizeof(s->block))
		mix(s, c, n / sizeof(s->block));
	c += n - n % sizeof(s->block);
	s->fill = n % sizeof(s->block);
	if (s->fill)
		memcpy(s->block, c, s->fill);
}

void sha256_end_hex(struct sha256 *s, char ret[65])
{
	static const char digits[] = "0123456789abcdef";
	static const unsigned char pad[64] = {0x80};
	uint64_t bits = s->bytes * 8;
	unsigned char length[8];

	for (unsigned i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(s, pad, s->fill < 56 ? 56 - s->fill : 120 - s->fill);
	sha256_add(s, length, sizeof(length));
	for (unsigned i = 0; i < 64; i++)
		ret[i] = digits[s->h[i / 8] >> (28 - 4 * (i % 8)) & 15];
	ret[64] = '\0';
}

void sha256_hex(const void *p, size_t n, char ret[65])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, p, n);
	sha256_end_hex(&s, ret);
}
