/* SPDX-License-Identifier: MIT */
#include "pkg/conmon/log_record.h"

#include <string.h>

#include "pkg/base/clock.h"

static bool parse_time(const char *p, size_t n, int64_t *ret)
{
	char text[CLOCK_TEXT_MAX];

	if (n >= sizeof(text))
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	return clock_parse(text, ret) == 0;
}

static bool parse_k8s(const char *line, size_t n, struct log_record *ret)
{
	const char *sp = memchr(line, ' ', n < CLOCK_TEXT_MAX ? n : CLOCK_TEXT_MAX), *p;
	size_t left;

	if (!sp || !parse_time(line, (size_t)(sp - line), &ret->time_ns))
		return false;
	p = sp + 1;
	left = n - (size_t)(p - line);
	if (left < 8 || (memcmp(p, "stdout ", 7) != 0 && memcmp(p, "stderr ", 7) != 0))
		return false;
	ret->stream = p[3] == 'o' ? 1 : 2;
	ret->whole = p[7] == 'F';
	if ((p[7] != 'F' && p[7] != 'P') || (left > 8 && p[8] != ' '))
		return false;
	ret->text = left > 8 ? p + 9 : p + 8;
	ret->len = left > 8 ? left - 9 : 0;
	return true;
}

/* --- JSON: an object of strings, any order of members ------------------------------------------- */

static int hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int d = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;

		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

static void add_utf8(struct sbuf *out, unsigned c)
{
	if (c < 0x80) {
		sbuf_addc(out, (char)c);
	} else if (c < 0x800) {
		sbuf_addc(out, (char)(0xc0 | c >> 6));
		sbuf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		sbuf_addc(out, (char)(0xe0 | c >> 12));
		sbuf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		sbuf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		sbuf_addc(out, (char)(0xf0 | c >> 18));
		sbuf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		sbuf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		sbuf_addc(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* After "\u": a lone \udc80..\udcff is a byte of our writer's, other lone halves become U+FFFD. */
static const char *unescape_u(const char *p, const char *end, struct sbuf *out)
{
	int c = hex4(p, end), low;

	if (c < 0)
		return NULL;
	p += 4;
	if (c >= 0xdc80 && c <= 0xdcff) {
		sbuf_addc(out, (char)(c & 0xff));
		return p;
	}
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		low = hex4(p + 2, end);
		if (low >= 0xdc00 && low < 0xe000) {
			add_utf8(out, 0x10000U + ((unsigned)(c - 0xd800) << 10) +
					      (unsigned)(low - 0xdc00));
			return p + 6;
		}
	}
	add_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : (unsigned)c);
	return p;
}

/* @p behind the opening quote. Return: behind the closing one, or NULL. */
static const char *unescape(const char *p, const char *end, struct sbuf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	while (p && p < end) {
		const char *stop = p, *e;

		while (stop < end && *stop != '"' && *stop != '\\')
			stop++;
		sbuf_add(out, p, (size_t)(stop - p));
		if (stop >= end)
			return NULL;
		if (*stop == '"')
			return stop + 1;
		if (stop + 1 >= end)
			return NULL;
		p = stop + 2;
		if (stop[1] == 'u') {
			p = unescape_u(p, end, out);
			continue;
		}
		e = stop[1] ? strchr(from, stop[1]) : NULL;
		if (!e)
			return NULL;
		sbuf_addc(out, to[e - from]);
	}
	return NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* One "key":"value" behind @p; the key and value are appended to @scratch at the returned offsets. */
static const char *parse_member(const char *p, const char *end, struct sbuf *scratch, size_t *key,
				size_t *value)
{
	*key = scratch->len;
	p = skip_blanks(p, end);
	if (p >= end || *p != '"')
		return NULL;
	p = unescape(p + 1, end, scratch);
	if (!p)
		return NULL;
	sbuf_addc(scratch, '\0');
	p = skip_blanks(p, end);
	if (p >= end || *p != ':')
		return NULL;
	p = skip_blanks(p + 1, end);
	if (p >= end || *p != '"')
		return NULL;
	*value = scratch->len;
	p = unescape(p + 1, end, scratch);
	if (p)
		sbuf_addc(scratch, '\0');
	return p ? skip_blanks(p, end) : NULL;
}

static bool parse_json(const char *line, size_t n, struct sbuf *scratch, struct log_record *ret)
{
	const char *end = line + n, *p = skip_blanks(line, end);
	size_t key, value, text_at = 0;
	bool have_log = false, have_time = false;

	sbuf_reset(scratch);
	ret->stream = 1;
	if (p >= end || *p != '{')
		return false;
	do {
		p = parse_member(p + 1, end, scratch, &key, &value);
		if (!p || p >= end)
			return false;
		if (strcmp(scratch->s + key, "log") == 0) {
			have_log = true;
			text_at = value;
			ret->len = scratch->len - 1 - value;
		} else if (strcmp(scratch->s + key, "stream") == 0) {
			ret->stream = strcmp(scratch->s + value, "stderr") == 0 ? 2 : 1;
		} else if (strcmp(scratch->s + key, "time") == 0) {
			have_time = clock_parse(scratch->s + value, &ret->time_ns) == 0;
		}
	} while (*p == ',');
	if (*p != '}' || !have_log || !have_time)
		return false;
	ret->text = scratch->s + text_at;
	ret->whole = ret->len && ret->text[ret->len - 1] == '\n';
	ret->len -= ret->whole;
	return true;
}

bool log_record_parse(enum conmon_log driver, const char *line, size_t n, struct sbuf *scratch,
		      struct log_record *ret)
{
	*ret = (struct log_record){0};
	return driver == CONMON_LOG_JSON_FILE ? parse_json(line, n, scratch, ret)
					      : parse_k8s(line, n, ret);
}
