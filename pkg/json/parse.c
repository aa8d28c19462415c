/* SPDX-License-Identifier: MIT */
/*
 * The strict reader. json-c's own tokener keeps the last of two equal keys, cuts strings at NUL,
 * clamps integers and lets invalid UTF-8 through, so documents of strangers (manifests, configs,
 * states of other tools) are read by this recursive descent over RFC 8259, which only builds
 * json-c values: one grammar, one verdict.
 */
#include "pkg/json/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"

struct reader {
	const char *start, *p, *end;
	unsigned depth;
	struct sbuf text; /* scratch for strings with escapes */
};

static int parse_value(struct reader *rd, struct json_object **ret);

static int bad(const struct reader *rd, const char *why)
{
	return err_new(-CE_BAD_FORMAT, "JSON: %s at byte %zu", why, (size_t)(rd->p - rd->start));
}

static void skip_space(struct reader *rd)
{
	while (rd->p < rd->end &&
	       (*rd->p == ' ' || *rd->p == '\n' || *rd->p == '\t' || *rd->p == '\r'))
		rd->p++;
}

static bool next_is(struct reader *rd, char c)
{
	skip_space(rd);
	if (rd->p == rd->end || *rd->p != c)
		return false;
	rd->p++;
	return true;
}

static int parse_hex4(struct reader *rd, uint32_t *ret)
{
	uint32_t v = 0;

	if (rd->end - rd->p < 4)
		return bad(rd, "cut \\u escape");
	for (int i = 0; i < 4; i++, rd->p++) {
		char c = *rd->p;
		uint32_t d;

		if (c >= '0' && c <= '9')
			d = (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			d = (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return bad(rd, "bad \\u escape");
		v = v << 4 | d;
	}
	*ret = v;
	return 0;
}

/* After "\u". A lone surrogate has no UTF-8 form. */
static int parse_unicode(struct reader *rd)
{
	uint32_t cp, low;
	char out[4];
	int r;

	r = parse_hex4(rd, &cp);
	if (r < 0)
		return r;
	if (cp == 0)
		return bad(rd, "NUL in a string");
	if (cp >= 0xd800 && cp <= 0xdfff) {
		if (cp > 0xdbff || rd->end - rd->p < 2 || rd->p[0] != '\\' || rd->p[1] != 'u')
			return bad(rd, "lone surrogate");
		rd->p += 2;
		r = parse_hex4(rd, &low);
		if (r < 0)
			return r;
		if (low < 0xdc00 || low > 0xdfff)
			return bad(rd, "lone surrogate");
		cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	}
	sbuf_add(&rd->text, out, utf8_encode(cp, out));
	return 0;
}

static int parse_escape(struct reader *rd)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *hit;
	char c;

	if (rd->p == rd->end)
		return bad(rd, "cut string");
	c = *rd->p++;
	if (c == 'u')
		return parse_unicode(rd);
	hit = c ? strchr(from, c) : NULL;
	if (!hit)
		return bad(rd, "unknown escape");
	sbuf_addc(&rd->text, to[hit - from]);
	return 0;
}

/* After the opening quote; the result lies in rd->text. */
static int parse_string(struct reader *rd)
{
	const char *from = rd->p;
	uint32_t cp;

	sbuf_reset(&rd->text);
	for (;;) {
		unsigned len;

		if (rd->p == rd->end)
			return bad(rd, "cut string");
		if (*rd->p == '"' || *rd->p == '\\') {
			char c = *rd->p;

			sbuf_add(&rd->text, from, (size_t)(rd->p - from));
			rd->p++;
			if (c == '"')
				return 0;
			if (parse_escape(rd) < 0)
				return -CE_BAD_FORMAT;
			from = rd->p;
			continue;
		}
		if ((unsigned char)*rd->p < 0x20)
			return bad(rd,
				   *rd->p ? "control character in a string" : "NUL in a string");
		len = utf8_decode(rd->p, (size_t)(rd->end - rd->p), &cp);
		if (len == 0)
			return bad(rd, "invalid UTF-8");
		rd->p += len;
	}
}

static bool take_digits(struct reader *rd)
{
	const char *from = rd->p;

	while (rd->p < rd->end && *rd->p >= '0' && *rd->p <= '9')
		rd->p++;
	return rd->p > from;
}

static int make_number(struct reader *rd, const char *text, bool integer, struct json_object **ret)
{
	double d;

	errno = 0;
	if (integer && *text == '-') {
		int64_t i = strtoll(text, NULL, 10);

		if (errno == 0)
			*ret = json_object_new_int64(i);
	} else if (integer) {
		uint64_t u = strtoull(text, NULL, 10);

		if (errno == 0)
			*ret = u <= INT64_MAX ? json_object_new_int64((int64_t)u)
					      : json_object_new_uint64(u);
	} else {
		d = strtod(text, NULL);
		if (isfinite(d))
			*ret = json_object_new_double_s(d, text);
	}
	return *ret ? 0 : bad(rd, "number out of range");
}

static int parse_number(struct reader *rd, struct json_object **ret)
{
	const char *from = rd->p;
	bool integer = true;
	char text[128];
	size_t n;

	if (*rd->p == '-')
		rd->p++;
	if (rd->p < rd->end && *rd->p == '0')
		rd->p++;
	else if (!take_digits(rd))
		return bad(rd, "unexpected character");
	if (rd->p < rd->end && *rd->p == '.') {
		rd->p++;
		integer = false;
		if (!take_digits(rd))
			return bad(rd, "bad number");
	}
	if (rd->p < rd->end && (*rd->p | 0x20) == 'e') {
		rd->p++;
		integer = false;
		if (rd->p < rd->end && (*rd->p == '+' || *rd->p == '-'))
			rd->p++;
		if (!take_digits(rd))
			return bad(rd, "bad number");
	}
	n = (size_t)(rd->p - from);
	if (n >= sizeof(text))
		return bad(rd, "number too long");
	memcpy(text, from, n);
	text[n] = '\0';
	return make_number(rd, text, integer, ret);
}

static int parse_member(struct reader *rd, struct json_object *o)
{
	AUTO_FREE char *key = NULL;
	struct json_object *v = NULL;
	int r;

	if (!next_is(rd, '"'))
		return bad(rd, "expected a key");
	r = parse_string(rd);
	if (r < 0)
		return r;
	if (json_object_object_get_ex(o, rd->text.s, NULL))
		return err_new(-CE_BAD_FORMAT, "JSON: duplicate key \"%.64s\"", rd->text.s);
	key = sbuf_steal(&rd->text);
	if (!next_is(rd, ':'))
		return bad(rd, "expected ':'");
	r = parse_value(rd, &v);
	if (r < 0)
		return r;
	(void)json_object_object_add_ex(o, key, v, JSON_C_OBJECT_ADD_KEY_IS_NEW);
	return 0;
}

static int parse_element(struct reader *rd, struct json_object *arr)
{
	struct json_object *v = NULL;
	int r = parse_value(rd, &v);

	if (r == 0)
		(void)json_object_array_add(arr, v);
	return r;
}

/* After the opening bracket. */
static int parse_container(struct reader *rd, struct json_object *o, char close)
{
	if (++rd->depth > JSON_DEPTH_MAX)
		return bad(rd, "nested too deeply");
	if (!next_is(rd, close)) {
		do {
			int r = close == '}' ? parse_member(rd, o) : parse_element(rd, o);

			if (r < 0)
				return r;
		} while (next_is(rd, ','));
		if (!next_is(rd, close))
			return bad(rd,
				   close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
	}
	rd->depth--;
	return 0;
}

static int parse_word(struct reader *rd, struct json_object **ret)
{
	static const char *const words[] = {"true", "false", "null"};

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(rd->end - rd->p) >= n && memcmp(rd->p, words[i], n) == 0) {
			rd->p += n;
			*ret = i == 2 ? NULL : json_object_new_boolean(i == 0);
			return 0;
		}
	}
	return bad(rd, "unexpected character");
}

static int parse_value(struct reader *rd, struct json_object **ret)
{
	AUTO_JSON struct json_object *v = NULL;
	int r;

	skip_space(rd);
	if (rd->p == rd->end)
		return bad(rd, "unexpected end");
	switch (*rd->p) {
	case '{':
		rd->p++;
		v = json_object_new_object();
		r = parse_container(rd, v, '}');
		break;
	case '[':
		rd->p++;
		v = json_object_new_array();
		r = parse_container(rd, v, ']');
		break;
	case '"':
		rd->p++;
		r = parse_string(rd);
		if (r == 0)
			v = json_object_new_string_len(rd->text.s, (int)rd->text.len);
		break;
	case 't':
	case 'f':
	case 'n':
		r = parse_word(rd, &v);
		break;
	default:
		r = parse_number(rd, &v);
	}
	if (r == 0)
		*ret = TAKE_PTR(v);
	return r;
}

int json_parse(const char *s, size_t n, struct json_object **ret)
{
	struct reader rd = {.start = s, .p = s, .end = s + n, .text = SBUF_INIT};
	struct json_object *v = NULL;
	int r;

	r = n > INT32_MAX ? bad(&rd, "document too large") : parse_value(&rd, &v);
	if (r == 0) {
		skip_space(&rd);
		if (rd.p != rd.end)
			r = bad(&rd, "trailing bytes");
	}
	sbuf_done(&rd.text);
	if (r < 0) {
		(void)json_object_put(v);
		return r;
	}
	*ret = v;
	return 0;
}
