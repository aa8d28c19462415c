/* SPDX-License-Identifier: MIT */
#include "pkg/unit/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n\r"

static const char plain[] = "abfnrtv\\\"'s", meant[] = "\a\b\f\n\r\t\v\\\"' ";

/* The number of @n digits of base @base at @p, as UTF-8 or one byte. Return: digits used, 0 when there are not so many. */
static size_t number_escape(const char *p, size_t n, int base, struct sbuf *out)
{
	char digits[9] = "", *end;
	unsigned long c;

	memcpy(digits, p, strnlen(p, n));
	c = strtoul(digits, &end, base);
	if (end != digits + n || strchr("+- \t", digits[0]) || c == 0 || c > 0x10ffff)
		return 0;
	if (c < 0x80 || n <= 3)
		sbuf_addc(out, (char)c);
	else if (c < 0x800)
		sbuf_addf(out, "%c%c", (char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)));
	else if (c < 0x10000)
		sbuf_addf(out, "%c%c%c", (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
			  (char)(0x80 | (c & 63)));
	else
		sbuf_addf(out, "%c%c%c%c", (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
			  (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)));
	return n;
}

/* What follows a backslash. Return: characters used; an escape that is none stays as it is. */
static size_t escape(const char *p, struct sbuf *out)
{
	const char *known = *p ? strchr(plain, *p) : NULL;
	size_t n = 0;

	if (known) {
		sbuf_addc(out, meant[known - plain]);
		return 1;
	}
	if (*p == 'x')
		n = number_escape(p + 1, 2, 16, out);
	else if (*p == 'u')
		n = number_escape(p + 1, 4, 16, out);
	else if (*p == 'U')
		n = number_escape(p + 1, 8, 16, out);
	else if (*p >= '0' && *p <= '3')
		return number_escape(p, 3, 8, out);
	if (n)
		return n + 1;
	sbuf_addc(out, '\\');
	return 0;
}

int unit_words_split(const char *s, struct strv *ret)
{
	AUTO_SBUF struct sbuf word = SBUF_INIT;
	bool in_word = false;
	char quote = 0;

	for (; *s; s++) {
		if (!quote && strchr(BLANKS, *s)) {
			if (in_word)
				strv_add(ret, word.s);
			sbuf_reset(&word);
			in_word = false;
			continue;
		}
		in_word = true;
		if (*s == '\\')
			s += escape(s + 1, &word);
		else if (quote && *s == quote)
			quote = 0;
		else if (!quote && (*s == '"' || *s == '\''))
			quote = *s;
		else
			sbuf_addc(&word, *s);
	}
	if (quote)
		return -EINVAL;
	if (in_word)
		strv_add(ret, word.s);
	return 0;
}

static bool needs_quotes(const char *word)
{
	if (!*word || !strcmp(word, ";"))
		return true;
	for (const char *p = word; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"'\\", *p))
			return true;
	return false;
}

void unit_words_quote(struct sbuf *out, const char *word)
{
	if (!needs_quotes(word)) {
		sbuf_adds(out, word);
		return;
	}
	sbuf_addc(out, '"');
	for (const char *p = word; *p; p++) {
		const char *known = *p == ' ' || *p == '\'' ? NULL : strchr(meant, *p);

		if (known)
			sbuf_addf(out, "\\%c", plain[known - meant]);
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			sbuf_addf(out, "\\x%02x", (unsigned)(unsigned char)*p);
		else
			sbuf_addc(out, *p);
	}
	sbuf_addc(out, '"');
}

void unit_words_join(struct sbuf *out, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++) {
		if (i)
			sbuf_addc(out, ' ');
		unit_words_quote(out, words->v[i]);
	}
}
