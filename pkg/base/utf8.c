/* SPDX-License-Identifier: MIT */
#include "pkg/base/utf8.h"

#include <stdio.h>
#include <string.h>

static bool is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

unsigned utf8_decode(const char *s, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c;
	uint32_t cp;
	unsigned len;

	if (n == 0)
		return 0;
	c = (unsigned char)s[0];
	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || n < len)
		return 0;
	cp = c & (0x7fU >> len);
	for (unsigned i = 1; i < len; i++) {
		if (!is_tail(s[i]))
			return 0;
		cp = cp << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return len;
}

unsigned utf8_encode(uint32_t cp, char out[4])
{
	unsigned len = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	if (len == 1) {
		out[0] = (char)cp;
		return 1;
	}
	for (unsigned i = len - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)((0xf00U >> len & 0xf0) | cp);
	return len;
}

size_t utf8_plain(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] >= 0x20 && s[i] < 0x7f)
		i++;
	return i;
}

bool utf8_is_valid(const char *s, size_t n)
{
	uint32_t cp;

	while (n > 0) {
		unsigned len = utf8_decode(s, n, &cp);

		if (len == 0)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

bool utf8_is_unsafe(uint32_t cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return true;
	return cp == 0x061c || cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069);
}

struct range {
	uint32_t first, last;
};

static bool within(const struct range *r, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n; i++)
		if (cp >= r[i].first && cp <= r[i].last)
			return true;
	return false;
}

unsigned utf8_width(uint32_t cp)
{
	/* The blocks that occur in names; a cell off by one is no harm. */
	static const struct range none[] = {
		{0x0300, 0x036f}, {0x200b, 0x200d}, {0x20d0, 0x20ff},
		{0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
	};
	static const struct range wide[] = {
		{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
		{0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
		{0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
	};

	if (cp < 0x300)
		return 1;
	if (within(none, sizeof(none) / sizeof(none[0]), cp))
		return 0;
	return within(wide, sizeof(wide) / sizeof(wide[0]), cp) ? 2 : 1;
}

unsigned utf8_escape_step(const char *s, size_t n, char out[UTF8_ESCAPED_MAX])
{
	uint32_t cp = 0;
	unsigned len = utf8_decode(s, n, &cp);

	if (len == 0) {
		(void)snprintf(out, UTF8_ESCAPED_MAX, "\\x%02x", (unsigned)(unsigned char)*s);
		return 1;
	}
	if (!utf8_is_unsafe(cp)) {
		memcpy(out, s, len);
		out[len] = '\0';
		return len;
	}
	if (cp == '\n' || cp == '\t' || cp == '\r')
		(void)snprintf(out, UTF8_ESCAPED_MAX, "\\%c",
			       cp == '\n'   ? 'n'
			       : cp == '\t' ? 't'
					    : 'r');
	else
		(void)snprintf(out, UTF8_ESCAPED_MAX, cp < 0x80 ? "\\x%02x" : "\\u%04x", cp);
	return len;
}
