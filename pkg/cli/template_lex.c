/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"
#include "pkg/cli/template_internal.h"

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static void take_name(const char **p, const char *end, struct token *t)
{
	const char *from = *p;

	while (*p < end && is_name(**p))
		(*p)++;
	sbuf_add(&t->text, from, (size_t)(*p - from));
}

static enum token_kind bad(const char *why)
{
	err_usage("format: %s", why);
	return TOK_BAD;
}

/* After the backslash of a quoted string. */
static bool take_escape(const char **p, const char *end, struct token *t)
{
	static const char from[] = "abfnrtv\\\"'", to[] = "\a\b\f\n\r\t\v\\\"'";
	const char *hit = *p < end && **p ? strchr(from, **p) : NULL;
	unsigned digits = *p < end ? (**p == 'x' ? 2 : **p == 'u' ? 4 : **p == 'U' ? 8 : 0) : 0;
	uint32_t v = 0;
	char utf8[4];

	if (hit) {
		sbuf_addc(&t->text, to[hit - from]);
		(*p)++;
		return true;
	}
	if (!digits || (size_t)(end - *p) <= digits)
		return false;
	for (unsigned i = 1; i <= digits; i++) {
		char c = (*p)[i];

		if (!isxdigit((unsigned char)c))
			return false;
		v = v << 4 |
		    (uint32_t)(isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*p += digits + 1;
	if (v == 0 || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return false;
	if (digits == 2)
		sbuf_addc(&t->text, (char)v);
	else
		sbuf_add(&t->text, utf8, utf8_encode(v, utf8));
	return true;
}

static enum token_kind take_string(const char **p, const char *end, struct token *t)
{
	char quote = *(*p)++;

	while (*p < end && **p != quote) {
		if (**p != '\\' || quote == '`') {
			sbuf_addc(&t->text, *(*p)++);
			continue;
		}
		(*p)++;
		if (!take_escape(p, end, t))
			return bad("bad escape in a string");
	}
	if (*p == end)
		return bad("unterminated string");
	(*p)++;
	return TOK_STRING;
}

static enum token_kind take_number(const char **p, const char *end, struct token *t)
{
	const char *from = *p;
	bool real = false;

	if (**p == '-' || **p == '+')
		(*p)++;
	for (; *p < end && (isdigit((unsigned char)**p) || **p == '.' || **p == '_'); (*p)++)
		real |= **p == '.';
	if (*p < end && is_name(**p))
		return bad("bad number");
	sbuf_add(&t->text, from, (size_t)(*p - from));
	return real ? TOK_FLOAT : TOK_INT;
}

static enum token_kind take_dot(const char **p, const char *end, struct token *t)
{
	(*p)++;
	if (*p < end && is_name(**p)) {
		take_name(p, end, t);
		return TOK_FIELD;
	}
	return TOK_DOT;
}

static enum token_kind take_sign(const char **p, const char *end)
{
	static const struct {
		char c;
		enum token_kind kind;
	} signs[] = {{'(', TOK_OPEN},
		     {')', TOK_CLOSE},
		     {'|', TOK_PIPE},
		     {',', TOK_COMMA},
		     {'=', TOK_ASSIGN}};

	if (end - *p >= 2 && (*p)[0] == ':' && (*p)[1] == '=') {
		*p += 2;
		return TOK_DECLARE;
	}
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (**p == signs[i].c) {
			(*p)++;
			return signs[i].kind;
		}
	}
	err_usage("format: unexpected \"%c\" in an action", **p);
	return TOK_BAD;
}

void template_token(const char **p, const char *end, struct token *ret)
{
	const char *from = *p;
	char c, after;

	while (*p < end && isspace((unsigned char)**p))
		(*p)++;
	ret->glued = *p == from;
	ret->at = *p;
	sbuf_reset(&ret->text);
	if (*p == end) {
		ret->kind = TOK_END;
		return;
	}
	c = **p;
	after = *p + 1 < end ? (*p)[1] : '\0';
	if (c == '.' && !isdigit((unsigned char)after)) {
		ret->kind = take_dot(p, end, ret);
	} else if (c == '$') {
		(*p)++;
		take_name(p, end, ret);
		ret->kind = TOK_VAR;
	} else if (c == '"' || c == '`' || c == '\'') {
		ret->kind = take_string(p, end, ret);
	} else if (isdigit((unsigned char)c) ||
		   ((c == '-' || c == '+' || c == '.') && isdigit((unsigned char)after))) {
		ret->kind = take_number(p, end, ret);
	} else if (is_name(c)) {
		take_name(p, end, ret);
		ret->kind = TOK_WORD;
	} else {
		ret->kind = take_sign(p, end);
	}
}

const char *template_action_end(const char *p, const char *end)
{
	const char *body = p;
	char quote = '\0';

	if (end - body >= 1 && *body == '-')
		body++;
	while (body < end && isspace((unsigned char)*body))
		body++;
	if (end - body >= 2 && body[0] == '/' && body[1] == '*') {
		p = memmem(body, (size_t)(end - body), "*/", 2);
		return p ? memmem(p, (size_t)(end - p), "}}", 2) : NULL;
	}
	for (; p < end; p++) {
		if (quote) {
			if (*p == '\\' && quote != '`' && p + 1 < end)
				p++;
			else if (*p == quote)
				quote = '\0';
		} else if (*p == '"' || *p == '`' || *p == '\'') {
			quote = *p;
		} else if (*p == '}' && p + 1 < end && p[1] == '}') {
			return p;
		}
	}
	return NULL;
}
