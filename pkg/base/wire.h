/* SPDX-License-Identifier: MIT */
/*
 * Flat messages between our own processes: little-endian u32/u64 and length-prefixed,
 * NUL-terminated strings, in a fixed order that writer and reader share.
 * The reader trusts nothing: every length is checked, strings point into the message, and after
 * the first slip it stays failed (check wire_failed() once, at the end).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"

struct wire_reader {
	const unsigned char *p;
	size_t left;
	bool failed;
};

/* Writing appends to a struct sbuf (allocates; not for the running monitor). */
void wire_put_u32(struct sbuf *b, uint32_t v);
void wire_put_u64(struct sbuf *b, uint64_t v);
void wire_put_str(struct sbuf *b, const char *s); /* NULL is kept apart from "" */
void wire_put_bytes(struct sbuf *b, const void *p, size_t n);

void wire_reader_init(struct wire_reader *r, const void *p, size_t n);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
const char *wire_get_str(struct wire_reader *r); /* NULL for a NULL, "" after a failure */
const void *wire_get_bytes(struct wire_reader *r, size_t *ret_n);
/** wire_failed() - true after any slip, or when bytes are left over. */
bool wire_failed(const struct wire_reader *r);
