/* SPDX-License-Identifier: MIT */
#include "pkg/base/sbuf.h"

#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"

char sbuf_empty[1];

void sbuf_done(struct sbuf *b)
{
	if (b->cap)
		free(b->s);
	*b = (struct sbuf)SBUF_INIT;
}

void sbuf_reset(struct sbuf *b)
{
	b->len = 0;
	if (b->cap)
		b->s[0] = '\0';
}

void sbuf_grow(struct sbuf *b, size_t more)
{
	size_t need = b->len + more + 1;
	size_t cap = b->cap ? b->cap : 64;

	if (need <= b->cap)
		return;
	while (cap < need)
		cap *= 2;
	b->s = xreallocarray(b->cap ? b->s : NULL, cap, 1);
	b->s[b->len] = '\0';
	b->cap = cap;
}

void sbuf_add(struct sbuf *b, const void *p, size_t n)
{
	if (!n)
		return;
	sbuf_grow(b, n);
	memcpy(b->s + b->len, p, n);
	b->len += n;
	b->s[b->len] = '\0';
}

void sbuf_adds(struct sbuf *b, const char *s)
{
	sbuf_add(b, s, strlen(s));
}

void sbuf_addc(struct sbuf *b, char c)
{
	sbuf_add(b, &c, 1);
}

void sbuf_vaddf(struct sbuf *b, const char *fmt, va_list ap)
{
	va_list ap2;
	int n;

	va_copy(ap2, ap);
	n = vsnprintf(NULL, 0, fmt, ap2);
	va_end(ap2);
	if (n <= 0)
		return;
	sbuf_grow(b, (size_t)n);
	(void)vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void sbuf_addf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sbuf_vaddf(b, fmt, ap);
	va_end(ap);
}

void sbuf_trim_end(struct sbuf *b, const char *chars)
{
	while (b->len && strchr(chars, b->s[b->len - 1]))
		b->s[--b->len] = '\0';
}

char *sbuf_steal(struct sbuf *b)
{
	char *s = b->cap ? b->s : xstrdup("");

	*b = (struct sbuf)SBUF_INIT;
	return s;
}
