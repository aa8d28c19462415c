/* SPDX-License-Identifier: MIT */
#include "pkg/json/scan.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"

void json_scan_init(struct json_scan *s, const char *text, size_t n)
{
	*s = (struct json_scan){.start = text, .p = text, .end = text + n, .text = SBUF_INIT};
}

void json_scan_done(struct json_scan *s)
{
	sbuf_done(&s->text);
}

int json_scan_bad(const struct json_scan *s, const char *why)
{
	return err_new(-CE_BAD_FORMAT, "JSON: %s at byte %zu", why, (size_t)(s->p - s->start));
}

static void skip_space(struct json_scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

static bool next_is(struct json_scan *s, char c)
{
	skip_space(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

char json_scan_peek(struct json_scan *s)
{
	skip_space(s);
	return s->p == s->end ? '\0' : *s->p;
}

int json_scan_end(struct json_scan *s)
{
	skip_space(s);
	return s->p == s->end ? 0 : json_scan_bad(s, "trailing bytes");
}

/* ---- strings ---- */

static int scan_hex4(struct json_scan *s, uint32_t *ret)
{
	uint32_t v = 0;

	if (s->end - s->p < 4)
		return json_scan_bad(s, "cut \\u escape");
	for (int i = 0; i < 4; i++, s->p++) {
		char c = *s->p;
		uint32_t d;

		if (c >= '0' && c <= '9')
			d = (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			d = (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return json_scan_bad(s, "bad \\u escape");
		v = v << 4 | d;
	}
	*ret = v;
	return 0;
}

/* After "\u". A lone surrogate has no UTF-8 form. */
static int scan_unicode(struct json_scan *s)
{
	uint32_t cp, low;
	char out[4];
	int r;

	r = scan_hex4(s, &cp);
	if (r < 0)
		return r;
	if (cp == 0)
		return json_scan_bad(s, "NUL in a string");
	if (cp >= 0xd800 && cp <= 0xdfff) {
		if (cp > 0xdbff || s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u')
			return json_scan_bad(s, "lone surrogate");
		s->p += 2;
		r = scan_hex4(s, &low);
		if (r < 0)
			return r;
		if (low < 0xdc00 || low > 0xdfff)
			return json_scan_bad(s, "lone surrogate");
		cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	}
	sbuf_add(&s->text, out, utf8_encode(cp, out));
	return 0;
}

static int scan_escape(struct json_scan *s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *hit;
	char c;

	if (s->p == s->end)
		return json_scan_bad(s, "cut string");
	c = *s->p++;
	if (c == 'u')
		return scan_unicode(s);
	hit = c ? strchr(from, c) : NULL;
	if (!hit)
		return json_scan_bad(s, "unknown escape");
	sbuf_addc(&s->text, to[hit - from]);
	return 0;
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/*
 * The plain bytes at the head of @p, eight at a time. The subtractions borrow only upwards from a byte
 * that stops us, so the lowest bit that is set is of the first such byte.
 */
static const char *skip_plain(const char *p, const char *end)
{
	const uint64_t one = 0x0101010101010101ULL, high = one * 0x80;

	for (uint64_t x; end - p >= 8; p += 8) {
		uint64_t quote, slash, stops;

		memcpy(&x, p, sizeof(x));
		x = le64toh(x);
		quote = x ^ one * '"';
		slash = x ^ one * '\\';
		stops = (x | (x - one * 0x20) | ((quote - one) & ~quote) |
			 ((slash - one) & ~slash)) &
			high;
		if (stops)
			return p + __builtin_ctzll(stops) / 8;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

/* After the opening quote. What is only @skipped is looked at as strictly; its text is not kept. */
static int scan_rest_of_string(struct json_scan *s, bool skipped)
{
	const char *from = s->p;
	uint32_t cp;

	sbuf_reset(&s->text);
	for (;;) {
		unsigned len;

		s->p = skip_plain(s->p, s->end);
		if (s->p == s->end)
			return json_scan_bad(s, "cut string");
		if (*s->p == '"' || *s->p == '\\') {
			char c = *s->p;

			if (!skipped)
				sbuf_add(&s->text, from, (size_t)(s->p - from));
			s->p++;
			if (c == '"')
				return 0;
			if (scan_escape(s) < 0)
				return -CE_BAD_FORMAT;
			from = s->p;
			continue;
		}
		if ((unsigned char)*s->p < 0x20)
			return json_scan_bad(s, *s->p ? "control character in a string"
						      : "NUL in a string");
		len = utf8_decode(s->p, (size_t)(s->end - s->p), &cp);
		if (len == 0)
			return json_scan_bad(s, "invalid UTF-8");
		s->p += len;
	}
}

int json_scan_string(struct json_scan *s)
{
	return next_is(s, '"') ? scan_rest_of_string(s, false)
			       : json_scan_bad(s, "expected a string");
}

/* ---- numbers and words ---- */

static bool take_digits(struct json_scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

int json_scan_number(struct json_scan *s, char ret[JSON_NUMBER_MAX], bool *ret_integer)
{
	const char *from;
	bool integer = true;
	size_t n;

	skip_space(s);
	from = s->p;
	if (s->p < s->end && *s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!take_digits(s))
		return json_scan_bad(s, "unexpected character");
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		integer = false;
		if (!take_digits(s))
			return json_scan_bad(s, "bad number");
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		s->p++;
		integer = false;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!take_digits(s))
			return json_scan_bad(s, "bad number");
	}
	n = (size_t)(s->p - from);
	if (n >= JSON_NUMBER_MAX)
		return json_scan_bad(s, "number too long");
	memcpy(ret, from, n);
	ret[n] = '\0';
	*ret_integer = integer;
	return 0;
}

static int scan_integer(struct json_scan *s, char text[JSON_NUMBER_MAX])
{
	bool integer;
	int r = json_scan_number(s, text, &integer);

	return r == 0 && !integer ? json_scan_bad(s, "expected an integer") : r;
}

int json_scan_i64(struct json_scan *s, int64_t *ret)
{
	char text[JSON_NUMBER_MAX];
	int64_t v;
	int r = scan_integer(s, text);

	if (r < 0)
		return r;
	errno = 0;
	v = strtoll(text, NULL, 10);
	if (errno != 0)
		return json_scan_bad(s, "number out of range");
	*ret = v;
	return 0;
}

int json_scan_u64(struct json_scan *s, uint64_t *ret)
{
	char text[JSON_NUMBER_MAX];
	uint64_t v;
	int r = scan_integer(s, text);

	if (r < 0)
		return r;
	errno = 0;
	v = strtoull(text, NULL, 10);
	if (errno != 0 || *text == '-')
		return json_scan_bad(s, "number out of range");
	*ret = v;
	return 0;
}

static bool take_word(struct json_scan *s, const char *word)
{
	size_t n = strlen(word);

	skip_space(s);
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	return true;
}

int json_scan_bool(struct json_scan *s, bool *ret)
{
	bool yes = take_word(s, "true");

	if (!yes && !take_word(s, "false"))
		return json_scan_bad(s, "unexpected character");
	*ret = yes;
	return 0;
}

bool json_scan_null(struct json_scan *s)
{
	return take_word(s, "null");
}

/* ---- objects and arrays ---- */

int json_scan_open(struct json_scan *s, char bracket)
{
	if (!next_is(s, bracket))
		return json_scan_bad(s,
				     bracket == '{' ? "expected an object" : "expected an array");
	if (++s->depth > JSON_DEPTH_MAX)
		return json_scan_bad(s, "nested too deeply");
	s->fresh = true;
	return 0;
}

/* 1: there is more; 0: closed. */
static int step(struct json_scan *s, char close)
{
	bool first = s->fresh;

	s->fresh = false;
	if (next_is(s, close)) {
		s->depth--;
		return 0;
	}
	if (!first && !next_is(s, ','))
		return json_scan_bad(s,
				     close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
	return 1;
}

int json_scan_element(struct json_scan *s)
{
	return step(s, ']');
}

int json_scan_key(struct json_scan *s)
{
	int r = step(s, '}');

	if (r <= 0)
		return r;
	if (!next_is(s, '"'))
		return json_scan_bad(s, "expected a key");
	r = scan_rest_of_string(s, false);
	if (r < 0)
		return r;
	return next_is(s, ':') ? 1 : json_scan_bad(s, "expected ':'");
}

int json_scan_skip(struct json_scan *s)
{
	char number[JSON_NUMBER_MAX], c = json_scan_peek(s);
	bool unused;
	int r, more;

	switch (c) {
	case '\0':
		return json_scan_bad(s, "unexpected end");
	case '{':
	case '[':
		r = json_scan_open(s, c);
		while (r == 0 && (more = c == '{' ? json_scan_key(s) : json_scan_element(s)) != 0)
			r = more < 0 ? more : json_scan_skip(s);
		return r;
	case '"':
		s->p++;
		return scan_rest_of_string(s, true);
	case 't':
	case 'f':
		return json_scan_bool(s, &unused);
	case 'n':
		return json_scan_null(s) ? 0 : json_scan_bad(s, "unexpected character");
	default:
		return json_scan_number(s, number, &unused);
	}
}
