/* SPDX-License-Identifier: MIT */
/*
 * Random inputs for properties: always the same ones, unless asked for others. Included after cmocka.
 *
 *	struct fuzz f;
 *	for (fuzz_begin(&f, "tar", 20000); fuzz_more(&f);) {
 *		… fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, n_words, &input); …
 *	}
 *
 * A run ends after its rounds or, on a slow machine, after three seconds. CUDDY_FUZZ_SECONDS=60 goes on for
 * that long instead; CUDDY_FUZZ_SEED=N begins elsewhere. The seed is printed (tests/run-unit shows it with a
 * failure).
 */
#pragma once
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pkg/base/sbuf.h"

#define FUZZ_INPUT_MAX 65536

struct fuzz {
	uint64_t state, rounds, done;
	double until;
	bool by_time;
};

struct fuzz_text {
	const char *p;
	size_t n;
};
#define FUZZ_TEXT(s)             \
	{                        \
		s, sizeof(s) - 1 \
	}

static inline double fuzz_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void fuzz_begin(struct fuzz *f, const char *name, uint64_t rounds)
{
	const char *seed = getenv("CUDDY_FUZZ_SEED"), *seconds = getenv("CUDDY_FUZZ_SECONDS");

	*f = (struct fuzz){.state = seed ? strtoull(seed, NULL, 0) : 1, .rounds = rounds};
	f->by_time = seconds != NULL;
	f->until = fuzz_now() + (seconds ? strtod(seconds, NULL) : 3);
	printf("fuzz %s: CUDDY_FUZZ_SEED=%" PRIu64 "\n", name, f->state);
	(void)fflush(stdout);
}

static inline bool fuzz_more(struct fuzz *f)
{
	if (!f->by_time && f->done >= f->rounds)
		return false;
	return (++f->done & 31) != 0 || fuzz_now() < f->until;
}

/* splitmix64 */
static inline uint64_t fuzz_word(struct fuzz *f)
{
	uint64_t z = f->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline uint64_t fuzz_below(struct fuzz *f, uint64_t n)
{
	return n ? fuzz_word(f) % n : 0;
}

static inline bool fuzz_one_in(struct fuzz *f, unsigned n)
{
	return fuzz_below(f, n) == 0;
}

/* Replace @cut bytes of @b at @at by @n of @p. */
static inline void fuzz_splice(struct sbuf *b, size_t at, size_t cut, const char *p, size_t n)
{
	struct sbuf out = SBUF_INIT;

	if (b->len - cut + n > FUZZ_INPUT_MAX)
		return;
	sbuf_add(&out, b->s, at);
	sbuf_add(&out, p, n);
	sbuf_add(&out, b->s + at + cut, b->len - at - cut);
	sbuf_done(b);
	*b = out;
}

/** fuzz_mutate() - one of @corpus with some changes, of which @words are the likely ones; NUL-terminated. */
static inline void fuzz_mutate(struct fuzz *f, const struct fuzz_text *corpus, size_t n_corpus,
			       const struct fuzz_text *words, size_t n_words, struct sbuf *out)
{
	const struct fuzz_text *seed = &corpus[fuzz_below(f, n_corpus)], *other;
	size_t changes = fuzz_below(f, 6), at, n;
	char c;

	sbuf_reset(out);
	sbuf_add(out, seed->p, seed->n);
	while (changes-- > 0) {
		at = fuzz_below(f, out->len + 1);
		n = fuzz_below(f, out->len - at + 1);
		switch (fuzz_below(f, 7)) {
		case 0: /* one byte is another */
			if (at < out->len)
				out->s[at] = (char)fuzz_word(f);
			break;
		case 1: /* one bit */
			if (at < out->len)
				out->s[at] = (char)(out->s[at] ^ (1 << fuzz_below(f, 8)));
			break;
		case 2: /* something is missing */
			fuzz_splice(out, at, fuzz_one_in(f, 2) ? n : n % 4, "", 0);
			break;
		case 3: /* something comes twice */
		{
			struct sbuf piece = SBUF_INIT;

			sbuf_add(&piece, out->s + at, n);
			if (n)
				fuzz_splice(out, fuzz_below(f, out->len + 1), 0, piece.s, n);
			sbuf_done(&piece);
		} break;
		case 4: /* a piece of another */
			other = &corpus[fuzz_below(f, n_corpus)];
			n = fuzz_below(f, other->n + 1);
			fuzz_splice(out, at, 0, other->p + (other->n - n), n);
			break;
		case 5:
			c = (char)fuzz_word(f);
			fuzz_splice(out, at, 0, &c, 1);
			break;
		default:
			if (n_words) {
				other = &words[fuzz_below(f, n_words)];
				fuzz_splice(out, at, fuzz_one_in(f, 2) ? n % 8 : 0, other->p,
					    other->n);
			}
		}
	}
}
