/* SPDX-License-Identifier: MIT */
#include "pkg/base/wire.h"

#include <string.h>

#define NULL_STRING UINT32_MAX

void wire_put_u32(struct sbuf *b, uint32_t v)
{
	unsigned char c[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
			      (unsigned char)(v >> 24)};

	sbuf_add(b, c, sizeof(c));
}

void wire_put_u64(struct sbuf *b, uint64_t v)
{
	wire_put_u32(b, (uint32_t)v);
	wire_put_u32(b, (uint32_t)(v >> 32));
}

void wire_put_bytes(struct sbuf *b, const void *p, size_t n)
{
	wire_put_u32(b, (uint32_t)n);
	sbuf_add(b, p, n);
}

void wire_put_str(struct sbuf *b, const char *s)
{
	if (!s) {
		wire_put_u32(b, NULL_STRING);
		return;
	}
	wire_put_bytes(b, s, strlen(s) + 1);
}

void wire_reader_init(struct wire_reader *r, const void *p, size_t n)
{
	*r = (struct wire_reader){.p = p, .left = n, .failed = false};
}

static const unsigned char *take(struct wire_reader *r, size_t n)
{
	const unsigned char *p = r->p;

	if (r->failed || n > r->left) {
		r->failed = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

uint32_t wire_get_u32(struct wire_reader *r)
{
	const unsigned char *c = take(r, 4);

	if (!c)
		return 0;
	return (uint32_t)c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
}

uint64_t wire_get_u64(struct wire_reader *r)
{
	uint64_t low = wire_get_u32(r);

	return low | (uint64_t)wire_get_u32(r) << 32;
}

const void *wire_get_bytes(struct wire_reader *r, size_t *ret_n)
{
	size_t n = wire_get_u32(r);
	const void *p = take(r, n);

	*ret_n = p ? n : 0;
	return p;
}

const char *wire_get_str(struct wire_reader *r)
{
	uint32_t n = wire_get_u32(r);
	const char *s;

	if (r->failed)
		return "";
	if (n == NULL_STRING)
		return NULL;
	s = (const char *)take(r, n);
	if (!s || n == 0 || s[n - 1] != '\0' || strlen(s) + 1 != n) {
		r->failed = true;
		return "";
	}
	return s;
}

bool wire_failed(const struct wire_reader *r)
{
	return r->failed || r->left > 0;
}
