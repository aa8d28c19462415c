/* SPDX-License-Identifier: MIT */
#include "pkg/config/toml.h"

#include <ctype.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"

struct parser {
	const char *file, *p, *end;
	unsigned line;
	struct sbuf table;
	const struct toml_handler *h;
};

static int syntax(const struct parser *t, const char *what)
{
	return err_new(-CE_BAD_FORMAT, "%s:%u: %s", t->file, t->line, what);
}

static char peek(const struct parser *t)
{
	return t->p < t->end ? *t->p : '\0';
}

static void skip_blanks(struct parser *t)
{
	while (peek(t) == ' ' || peek(t) == '\t')
		t->p++;
}

/* Blanks, a comment, the end of the line. */
static int end_of_line(struct parser *t)
{
	skip_blanks(t);
	if (peek(t) == '#') { /* most of what distributions install is comments */
		const char *end = memchr(t->p, '\n', (size_t)(t->end - t->p));

		t->p = end ? end : t->end;
	}
	if (peek(t) == '\r')
		t->p++;
	if (t->p < t->end && *t->p != '\n')
		return syntax(t, "unexpected text at the end of the line");
	if (t->p < t->end)
		t->p++;
	t->line++;
	return 0;
}

/* Within an array, lines and comments may come anywhere. */
static void skip_lines(struct parser *t)
{
	for (;;) {
		skip_blanks(t);
		if (peek(t) == '#')
			while (t->p < t->end && *t->p != '\n')
				t->p++;
		if (t->p >= t->end || (*t->p != '\n' && *t->p != '\r'))
			return;
		if (*t->p == '\n')
			t->line++;
		t->p++;
	}
}

static int put_utf8(struct parser *t, unsigned digits, struct sbuf *out)
{
	uint32_t c = 0;

	for (unsigned i = 0; i < digits; i++) {
		char d = t->p < t->end ? *t->p++ : '\0';

		if (!isxdigit((unsigned char)d))
			return syntax(t, "bad \\u escape");
		c = c << 4 | (uint32_t)(isdigit((unsigned char)d) ? d - '0' : (d | 32) - 'a' + 10);
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return syntax(t, "bad \\u escape");
	if (c < 0x80) {
		sbuf_addc(out, (char)c);
	} else {
		if (c < 0x800) {
			sbuf_addc(out, (char)(0xc0 | c >> 6));
		} else if (c < 0x10000) {
			sbuf_addc(out, (char)(0xe0 | c >> 12));
			sbuf_addc(out, (char)(0x80 | (c >> 6 & 63)));
		} else {
			sbuf_addc(out, (char)(0xf0 | c >> 18));
			sbuf_addc(out, (char)(0x80 | (c >> 12 & 63)));
			sbuf_addc(out, (char)(0x80 | (c >> 6 & 63)));
		}
		sbuf_addc(out, (char)(0x80 | (c & 63)));
	}
	return 0;
}

static int parse_escape(struct parser *t, struct sbuf *out)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	char c = t->p < t->end ? *t->p++ : '\0';
	const char *at = c ? strchr(from, c) : NULL;

	if (c == 'u' || c == 'U')
		return put_utf8(t, c == 'u' ? 4 : 8, out);
	if (!at)
		return syntax(t, "unknown escape in a string");
	sbuf_addc(out, to[at - from]);
	return 0;
}

static int parse_string(struct parser *t, struct sbuf *out)
{
	char quote = *t->p++;
	int r;

	if (t->p + 1 < t->end && t->p[0] == quote && t->p[1] == quote)
		return syntax(t, "strings over several lines are not supported");
	while (peek(t) != quote) {
		char c = peek(t);

		if (t->p >= t->end || c == '\n' || c == '\0')
			return syntax(t, "string without an end");
		t->p++;
		if (c == '\\' && quote == '"') {
			r = parse_escape(t, out);
			if (r < 0)
				return r;
		} else {
			sbuf_addc(out, c);
		}
	}
	t->p++;
	return 0;
}

static bool is_bare(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Dotted keys become one name with dots; quoted parts go in as they are. */
static int parse_key(struct parser *t, struct sbuf *out)
{
	int r;

	for (;;) {
		skip_blanks(t);
		if (peek(t) == '"' || peek(t) == '\'') {
			r = parse_string(t, out);
			if (r < 0)
				return r;
		} else if (is_bare(peek(t))) {
			while (is_bare(peek(t)))
				sbuf_addc(out, *t->p++);
		} else {
			return syntax(t, "a key was expected");
		}
		skip_blanks(t);
		if (peek(t) != '.')
			return 0;
		sbuf_addc(out, *t->p++);
	}
}

/* The one table that may stand in an array: {append=true}. */
static int parse_append(struct parser *t, int *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	for (t->p++; is_bare(peek(t)) || peek(t) == '=' || peek(t) == ' '; t->p++)
		if (*t->p != ' ')
			sbuf_addc(&text, *t->p);
	if (peek(t) != '}')
		return syntax(t, "{append=true} or {append=false} was expected");
	t->p++;
	*ret = strcmp(text.s, "append=true") == 0;
	return *ret || strcmp(text.s, "append=false") == 0
		       ? 0
		       : syntax(t, "{append=true} or {append=false} was expected");
}

static int parse_array(struct parser *t, struct strv *out, int *ret_append)
{
	int r;

	for (t->p++;;) {
		AUTO_SBUF struct sbuf item = SBUF_INIT;
		bool string;

		skip_lines(t);
		if (peek(t) == ']')
			break;
		if (peek(t) != '"' && peek(t) != '\'' && peek(t) != '{')
			return syntax(t, "only arrays of strings are supported");
		string = peek(t) != '{';
		r = string ? parse_string(t, &item) : parse_append(t, ret_append);
		if (r < 0)
			return r;
		if (string)
			strv_add(out, item.s);
		skip_lines(t);
		if (peek(t) == ',')
			t->p++;
		else if (peek(t) != ']')
			return syntax(t, "',' or ']' was expected");
	}
	t->p++;
	return 0;
}

static int parse_word(struct parser *t, struct toml_value *v)
{
	AUTO_SBUF struct sbuf word = SBUF_INIT;

	while (is_bare(peek(t)) || peek(t) == '+' || peek(t) == '.' || peek(t) == ':')
		sbuf_addc(&word, *t->p++);
	if (strcmp(word.s, "true") == 0 || strcmp(word.s, "false") == 0) {
		v->kind = TOML_BOOL;
		v->boolean = word.s[0] == 't';
		return 0;
	}
	v->kind = TOML_INTEGER;
	if (parse_i64(word.s, INT64_MIN, INT64_MAX, &v->integer) < 0)
		return syntax(t, "a string, true, false, a whole number or an array was expected");
	return 0;
}

static int parse_assignment(struct parser *t)
{
	AUTO_SBUF struct sbuf key = SBUF_INIT, string = SBUF_INIT;
	AUTO_STRV struct strv array = STRV_INIT;
	struct toml_value v = {.kind = TOML_STRING, .append = -1};
	int r;

	r = parse_key(t, &key);
	if (r < 0)
		return r;
	if (peek(t) != '=')
		return syntax(t, "'=' was expected");
	t->p++;
	skip_blanks(t);
	if (peek(t) == '"' || peek(t) == '\'') {
		r = parse_string(t, &string);
		v.string = string.s;
	} else if (peek(t) == '[') {
		r = parse_array(t, &array, &v.append);
		v.kind = TOML_ARRAY;
		v.array = &array;
	} else {
		r = parse_word(t, &v);
	}
	if (r < 0)
		return r;
	r = t->h->value(t->h->data, t->table.s, key.s, &v);
	return r < 0 ? err_wrap(r, "%s:%u", t->file, t->line) : end_of_line(t);
}

static int parse_header(struct parser *t)
{
	bool array = t->p + 1 < t->end && t->p[1] == '[';
	int r;

	t->p += array ? 2 : 1;
	sbuf_reset(&t->table);
	r = parse_key(t, &t->table);
	if (r < 0)
		return r;
	if (peek(t) != ']' || (array && (t->p + 1 >= t->end || t->p[1] != ']')))
		return syntax(t, "']' was expected");
	t->p += array ? 2 : 1;
	if (t->h->table) {
		r = t->h->table(t->h->data, t->table.s, array);
		if (r < 0)
			return err_wrap(r, "%s:%u", t->file, t->line);
	}
	return end_of_line(t);
}

int toml_parse(const char *file, const char *text, size_t n, const struct toml_handler *h)
{
	AUTO_SBUF struct sbuf table = SBUF_INIT;
	struct parser t = {
		.file = file, .p = text, .end = text + n, .line = 1, .table = SBUF_INIT, .h = h};
	int r = 0;

	while (r == 0 && t.p < t.end) {
		skip_blanks(&t);
		if (t.p >= t.end || *t.p == '\n' || *t.p == '\r' || *t.p == '#')
			r = end_of_line(&t);
		else if (*t.p == '[')
			r = parse_header(&t);
		else
			r = parse_assignment(&t);
	}
	table = t.table; /* released here, whatever happened */
	return r;
}

int toml_want_string(const struct toml_value *v, const char *key, const char **ret)
{
	if (v->kind != TOML_STRING)
		return err_new(-CE_BAD_FORMAT, "%s must be a string", key);
	*ret = v->string;
	return 0;
}

int toml_want_bool(const struct toml_value *v, const char *key, bool *ret)
{
	if (v->kind != TOML_BOOL)
		return err_new(-CE_BAD_FORMAT, "%s must be true or false", key);
	*ret = v->boolean;
	return 0;
}

int toml_want_array(const struct toml_value *v, const char *key, struct strv *ret)
{
	if (v->kind != TOML_ARRAY)
		return err_new(-CE_BAD_FORMAT, "%s must be an array of strings", key);
	strv_done(ret);
	strv_add_all(ret, v->array);
	return 0;
}
