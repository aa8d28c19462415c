/* SPDX-License-Identifier: MIT */
/*
 * A growing string: always NUL-terminated, length known, may hold NUL bytes.
 * Starts as SBUF_INIT (no allocation); released by sbuf_done() or AUTO_SBUF.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>

#include "pkg/base/auto.h"

struct sbuf {
	char *s; /* never NULL; "" before the first add */
	size_t len;
	size_t cap;
};

extern char sbuf_empty[1];
#define SBUF_INIT                                   \
	{                                           \
		.s = sbuf_empty, .len = 0, .cap = 0 \
	}
#define AUTO_SBUF AUTO(sbuf_done)

void sbuf_done(struct sbuf *b);
void sbuf_reset(struct sbuf *b); /* length 0, memory kept */
void sbuf_grow(struct sbuf *b, size_t more);
void sbuf_add(struct sbuf *b, const void *p, size_t n);
void sbuf_adds(struct sbuf *b, const char *s);
void sbuf_addc(struct sbuf *b, char c);
void sbuf_addf(struct sbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sbuf_vaddf(struct sbuf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void sbuf_trim_end(struct sbuf *b, const char *chars); /* drop trailing @chars */
/** sbuf_steal() - hand the malloc'ed string to the caller; the buffer is empty afterwards. */
char *sbuf_steal(struct sbuf *b);
