/* SPDX-License-Identifier: MIT */
/* UTF-8 and the text of strangers (D12): what may be shown and what is escaped. No allocation. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * utf8_decode() - one code point at @s, of at most @n bytes
 * Overlong forms, surrogates, values above U+10FFFF and cut sequences are invalid.
 * Return: its length 1..4; 0 when invalid (or @n is 0).
 */
unsigned utf8_decode(const char *s, size_t n, uint32_t *ret);
/** utf8_encode() - the other way; @cp must be a scalar value. Return: the length; @out is not terminated. */
unsigned utf8_encode(uint32_t cp, char out[4]);
/** utf8_plain() - how many bytes at the start of @s are printable ASCII: safe, one column each. */
size_t utf8_plain(const char *s, size_t n);
bool utf8_is_valid(const char *s, size_t n);
/** utf8_is_unsafe() - C0 and C1 controls, DEL, bidi controls, line and paragraph separators. */
bool utf8_is_unsafe(uint32_t cp);
/** utf8_width() - columns a terminal takes: 0 for combining marks, 2 for wide East Asian text. */
unsigned utf8_width(uint32_t cp);

#define UTF8_ESCAPED_MAX 10
/**
 * utf8_escape_step() - the next piece of @s made safe for a terminal
 * A safe code point comes out as it is; others as \n \t \r \xNN \uNNNN; a byte that is no UTF-8 as \xNN.
 * @out: NUL-terminated. Return: how many bytes of @s were used (>= 1; @n must be > 0).
 */
unsigned utf8_escape_step(const char *s, size_t n, char out[UTF8_ESCAPED_MAX]);
