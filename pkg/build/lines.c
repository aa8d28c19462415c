/* SPDX-License-Identifier: MIT */
#include "pkg/build/lines.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/strv.h"

bool lines_raw(struct line_reader *r, const char **ret, size_t *ret_n)
{
	const char *nl;

	if (r->p >= r->end)
		return false;
	nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
	*ret = r->p;
	*ret_n = (size_t)((nl ? nl : r->end) - r->p);
	r->p = nl ? nl + 1 : r->end;
	r->line++;
	if (*ret_n && (*ret)[*ret_n - 1] == '\r')
		(*ret_n)--;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void trim_left(const char **s, size_t *n)
{
	while (*n && is_blank(**s)) {
		(*s)++;
		(*n)--;
	}
}

static void trim_right(const char *s, size_t *n)
{
	while (*n && is_blank(s[*n - 1]))
		(*n)--;
}

/* "# key=value": 1, and both parts; anything else is 0. */
static int directive(const char *s, size_t n, char **ret_key, char **ret_value)
{
	const char *eq;
	size_t k;

	trim_left(&s, &n);
	if (!n || *s != '#')
		return 0;
	s++;
	n--;
	trim_left(&s, &n);
	trim_right(s, &n);
	eq = memchr(s, '=', n);
	if (!eq)
		return 0;
	k = (size_t)(eq - s);
	n -= k + 1;
	eq++;
	trim_right(s, &k);
	trim_left(&eq, &n);
	if (!k || !isalpha((unsigned char)*s))
		return 0;
	for (size_t i = 0; i < k; i++)
		if (!isalnum((unsigned char)s[i]))
			return 0;
	*ret_key = xstrndup(s, k);
	*ret_value = xstrndup(eq, n);
	return 1;
}

static bool is_known_directive(const char *key)
{
	return strcmp(key, "escape") == 0 || strcmp(key, "syntax") == 0 ||
	       strcmp(key, "check") == 0;
}

int lines_begin(struct line_reader *r, const char *text, size_t n)
{
	AUTO_STRV struct strv seen = STRV_INIT;
	const char *s;
	size_t len;

	*r = (struct line_reader){.p = text, .end = text + n, .escape = '\\'};
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r->p += 3;
	for (struct line_reader at = *r; lines_raw(&at, &s, &len); *r = at) {
		AUTO_FREE char *key = NULL, *value = NULL;

		if (!directive(s, len, &key, &value))
			return 0;
		for (char *k = key; *k; k++)
			*k = (char)tolower((unsigned char)*k);
		if (!is_known_directive(key))
			return 0; /* a comment; after it there are no directives */
		r->line = at.line;
		if (strv_has(&seen, key))
			return err_usage("the directive '%s' is given twice", key);
		strv_add(&seen, key);
		if (strcmp(key, "check") == 0) {
			at.check = r->check = TAKE_PTR(value);
			continue;
		}
		if (strcmp(key, "escape") != 0)
			continue;
		if (strcmp(value, "\\") != 0 && strcmp(value, "`") != 0)
			return err_usage("escape=%s: use \\ or `", value);
		at.escape = *value;
	}
	return 0;
}

/* Does the line go on? The escape character at its end, itself not escaped; blanks may follow it. */
static bool continues(const struct line_reader *r, const char *s, size_t *n)
{
	size_t len = *n, back = 0;

	trim_right(s, &len);
	while (back < len && s[len - 1 - back] == r->escape)
		back++;
	if (back % 2 == 0)
		return false;
	*n = len - 1;
	return true;
}

/* A line "#…". An empty one separates, like an empty line. */
static void take_comment(struct line_reader *r, const char *s, size_t n)
{
	const char *words = s + 1, *end = s + n;

	n--;
	trim_left(&words, &n);
	if (!n)
		r->comment = NULL;
	else if (!r->comment)
		r->comment = s;
	r->comment_n = n ? (size_t)(end - r->comment) : 0;
}

int lines_next(struct line_reader *r, struct sbuf *ret, unsigned *ret_first)
{
	bool inside = false, more = true;
	const char *s;
	size_t n;

	sbuf_reset(ret);
	r->comment = NULL;
	while (more && lines_raw(r, &s, &n)) {
		const char *t = s;
		size_t len = n;

		trim_left(&t, &len);
		if (len && *t == '#') {
			if (!inside)
				take_comment(r, t, len);
			continue;
		}
		if (!len) {
			if (!inside)
				r->comment = NULL;
			if (inside && !r->empty_continuation)
				r->empty_continuation = r->line;
			continue;
		}
		if (!inside) {
			*ret_first = r->line;
			s = t;
			n = len;
		}
		more = continues(r, s, &n);
		sbuf_add(ret, s, n);
		inside = true;
	}
	sbuf_trim_end(ret, " \t\r\v\f");
	return inside;
}
