/* SPDX-License-Identifier: MIT */
/*
 * A recursive descent over a cursor: word() reads up to a stop character, dollar() a substitution,
 * whose words are read by word() again. Results are pieces of text with a mark for each byte that
 * may split words (a blank that stood outside quotes), so one reader serves both questions.
 */
#include "pkg/build/expand.h"

#include <ctype.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

#define NESTING_MAX 32
#define END '\0'

struct cursor {
	const struct expand *x;
	const char *p;
	unsigned depth;
};

/* Text, and beside it 'r' for a byte that is taken as it is, 's' for a blank that splits. */
struct piece {
	struct sbuf text, kind;
};
#define PIECE_INIT                                   \
	{                                            \
		.text = SBUF_INIT, .kind = SBUF_INIT \
	}
#define AUTO_PIECE AUTO(piece_done)

static void piece_done(struct piece *p)
{
	sbuf_done(&p->text);
	sbuf_done(&p->kind);
}

static void add(struct piece *o, const char *s, size_t n, bool splits)
{
	sbuf_add(&o->text, s, n);
	for (size_t i = 0; i < n; i++)
		sbuf_addc(&o->kind, splits && isspace((unsigned char)s[i]) ? 's' : 'r');
}

static int check_size(const struct piece *o)
{
	return o->text.len > EXPAND_BYTES_MAX
		       ? err_new(-CE_LIMIT, "expands to more than %u bytes", EXPAND_BYTES_MAX)
		       : 0;
}

static int word(struct cursor *c, char stop, bool raw_escapes, struct piece *o);

static const char *find(const struct cursor *c, const char *name)
{
	const struct strv *vars = c->x->vars;
	size_t n = strlen(name);

	for (size_t i = vars ? vars->n : 0; i > 0; i--)
		if (strncmp(vars->v[i - 1], name, n) == 0 && vars->v[i - 1][n] == '=')
			return vars->v[i - 1] + n + 1;
	return NULL;
}

static const char *lookup(const struct cursor *c, const char *name)
{
	const char *value = find(c, name);

	if (value)
		return value;
	if (c->x->unset && !strv_has(c->x->unset, name))
		strv_add(c->x->unset, name);
	return NULL;
}

/* A name, a run of digits, or one of the shell's special parameters; "" when it is none of them. */
static char *read_name(struct cursor *c)
{
	const char *start = c->p;

	if (isdigit((unsigned char)*c->p)) {
		while (isdigit((unsigned char)*c->p))
			c->p++;
	} else if (*c->p && strchr("@*#?-$!", *c->p)) {
		c->p++;
	} else {
		while (isalnum((unsigned char)*c->p) || *c->p == '_')
			c->p++;
	}
	return xstrndup(start, (size_t)(c->p - start));
}

/* --- patterns: '*' and '?', and '\' before what is to be taken literally ------------------------ */

static int check_pattern(const char *pat)
{
	for (; *pat; pat++) {
		if (*pat != '\\')
			continue;
		pat++;
		if (!*pat || !strchr("*?\\}/", *pat))
			return err_usage("'\\%.1s' is not a known escape of a pattern", pat);
	}
	return 0;
}

/* Does @pat match exactly the @n bytes at @s? Greedy or not does not matter for a fixed length. */
static bool match(const char *pat, const char *s, size_t n)
{
	const char *star = NULL, *resume = NULL, *end = s + n;

	while (s < end || *pat) {
		if (*pat == '*') {
			star = ++pat;
			resume = s;
			continue;
		}
		if (s < end && *pat) {
			size_t step = *pat == '\\' ? 2 : 1;

			if ((*pat == '?') || pat[step - 1] == *s) {
				pat += step;
				s++;
				continue;
			}
		}
		if (!star || resume >= end)
			return false;
		pat = star;
		s = ++resume;
	}
	return true;
}

/* The shortest or longest prefix (or suffix) that matches is cut off. */
static void trim(const char *pat, const char *value, bool suffix, bool greedy, struct piece *o)
{
	size_t n = strlen(value);

	for (size_t i = 0; i <= n; i++) {
		size_t len = greedy ? n - i : i;

		if (match(pat, suffix ? value + n - len : value, len)) {
			add(o, suffix ? value : value + len, n - len, true);
			return;
		}
	}
	add(o, value, n, true);
}

/* Length of the longest match at @s; an empty one counts only for an empty value. False: none. */
static bool longest(const char *pat, const char *s, bool may_be_empty, size_t *ret)
{
	for (size_t len = strlen(s);; len--) {
		if ((len || may_be_empty) && match(pat, s, len)) {
			*ret = len;
			return true;
		}
		if (!len)
			return false;
	}
}

static int replace(const char *pat, const char *with, const char *value, bool all, struct piece *o)
{
	bool done = false, empty = !*value;
	size_t len;

	do {
		if (!done && longest(pat, value, empty, &len)) {
			add(o, with, strlen(with), true);
			value += len;
			done = !all || empty;
		} else if (*value) {
			add(o, value++, 1, true);
		}
		if (check_size(o) < 0)
			return -CE_LIMIT;
	} while (*value);
	return 0;
}

/* --- ${…} ---------------------------------------------------------------------------------------- */

static int substitute(struct cursor *c, const char *name, struct piece *o)
{
	AUTO_PIECE struct piece pat = PIECE_INIT, with = PIECE_INIT;
	const char *value;
	bool all = *c->p == '/';
	int r;

	c->p += all;
	r = word(c, '/', true, &pat);
	if (r == 0)
		r = word(c, '}', true, &with);
	if (r == 0)
		r = check_pattern(pat.text.s);
	if (r < 0)
		return r;
	value = lookup(c, name);
	return replace(pat.text.s, with.text.s, value ? value : "", all, o);
}

static int modified(struct cursor *c, const char *name, char op, bool null_is_unset,
		    struct piece *o)
{
	AUTO_PIECE struct piece w = PIECE_INIT;
	const char *value, *pat;
	bool set;
	int r = word(c, '}', op == '#' || op == '%', &w);

	if (r < 0)
		return r;
	/* Who writes :- or :+ or :? has thought of its not being set. */
	value = strchr("-+?", op) ? find(c, name) : lookup(c, name);
	set = value && !(null_is_unset && !*value);
	switch (op) {
	case '-':
	case '+':
		if (op == '-' && set)
			add(o, value, strlen(value), true);
		else if (op == '-' || set)
			add(o, w.text.s, w.text.len, true);
		return 0;
	case '?':
		if (!set)
			return err_usage("%s: %s", name,
					 w.text.len ? w.text.s
					 : value    ? "is not allowed to be empty"
						    : "is not allowed to be unset");
		add(o, value, strlen(value), true);
		return 0;
	default:
		pat = w.text.s + (*w.text.s == op);
		r = check_pattern(pat);
		if (r == 0 && value)
			trim(pat, value, op == '%', pat != w.text.s, o);
		return r;
	}
}

static int braces(struct cursor *c, struct piece *o)
{
	AUTO_FREE char *name = NULL;
	const char *value;
	char op;

	if (!*c->p)
		return err_usage("missing '}'");
	if (strchr("{}:", *c->p))
		return err_usage("bad substitution '${%.1s'", c->p);
	name = read_name(c);
	op = *c->p;
	if (op)
		c->p++;
	if (op == '}') {
		value = lookup(c, name);
		add(o, value ? value : "", value ? strlen(value) : 0, true);
		return 0;
	}
	if (op == '/')
		return substitute(c, name, o);
	if (op == ':' && *c->p && strchr("-+?", *c->p))
		return modified(c, name, *c->p++, true, o);
	if (op == '-' || op == '+' || op == '?' || op == '#' || op == '%')
		return modified(c, name, op, false, o);
	if (!op)
		return err_usage("missing '}'");
	return err_usage(
		"'%c' is not a modifier of ${%s…}; known are :- - :+ + :? ? # ## %% %%%% / //",
		op == ':' && *c->p ? *c->p : op, name);
}

static int dollar(struct cursor *c, struct piece *o)
{
	AUTO_FREE char *name = NULL;
	const char *value;
	int r;

	c->p++;
	if (*c->p == '{') {
		if (++c->depth > NESTING_MAX)
			return err_new(-CE_LIMIT, "more than %d nested substitutions", NESTING_MAX);
		c->p++;
		r = braces(c, o);
		c->depth--;
		return r;
	}
	name = read_name(c);
	if (!*name) {
		add(o, "$", 1, false);
		return 0;
	}
	value = lookup(c, name);
	add(o, value ? value : "", value ? strlen(value) : 0, true);
	return 0;
}

/* --- quotes and words ---------------------------------------------------------------------------- */

static int single_quoted(struct cursor *c, struct piece *o)
{
	const char *end = strchr(++c->p, '\'');

	if (!end)
		return err_usage("a single quote is not closed");
	add(o, c->p, (size_t)(end - c->p), false);
	c->p = end + 1;
	return 0;
}

static int double_quoted(struct cursor *c, bool raw_escapes, struct piece *o)
{
	int r = 0;

	for (c->p++; r == 0 && *c->p != '"';) {
		if (!*c->p)
			return err_usage("a double quote is not closed");
		if (*c->p == '$') {
			AUTO_PIECE struct piece v = PIECE_INIT;

			r = dollar(c, &v);
			add(o, v.text.s, v.text.len, false);
			continue;
		}
		if (*c->p == c->x->escape) {
			if (raw_escapes)
				add(o, c->p, 1, false);
			if (c->p[1] == '"' || c->p[1] == '$' || c->p[1] == c->x->escape)
				c->p++;
			else if (!c->p[1])
				return err_usage("a double quote is not closed");
		}
		add(o, c->p++, 1, false);
	}
	c->p += r == 0;
	return r;
}

static int word(struct cursor *c, char stop, bool raw_escapes, struct piece *o)
{
	bool quotes = !c->x->keep_quotes;
	int r = 0;

	while (r == 0 && *c->p) {
		if (stop != END && *c->p == stop) {
			c->p++;
			return check_size(o);
		}
		if (*c->p == '$') {
			r = dollar(c, o);
		} else if (quotes && *c->p == '\'') {
			r = single_quoted(c, o);
		} else if (quotes && *c->p == '"') {
			r = double_quoted(c, raw_escapes, o);
		} else if (*c->p == c->x->escape) {
			if (raw_escapes)
				add(o, c->p, 1, false);
			if (*++c->p)
				add(o, c->p++, 1, false);
		} else {
			add(o, c->p++, 1, true);
		}
		if (r == 0)
			r = check_size(o);
	}
	if (r == 0 && stop != END)
		r = err_usage("missing '%c'", stop);
	return r;
}

static int expand(const struct expand *x, const char *s, struct piece *o)
{
	struct cursor c = {.x = x, .p = s};

	return word(&c, END, false, o);
}

int expand_word(const struct expand *x, const char *s, struct sbuf *out)
{
	AUTO_PIECE struct piece o = PIECE_INIT;
	int r = expand(x, s, &o);

	if (r == 0)
		sbuf_add(out, o.text.s, o.text.len);
	return r;
}

int expand_new(const struct expand *x, const char *s, char **ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = expand_word(x, s, &b);

	if (r == 0)
		*ret = sbuf_steal(&b);
	return r;
}

int expand_words(const struct expand *x, const char *s, struct strv *ret)
{
	AUTO_PIECE struct piece o = PIECE_INIT;
	int r = expand(x, s, &o);

	for (size_t i = 0, start = 0; r == 0 && i <= o.text.len; i++) {
		if (i < o.text.len && o.kind.s[i] != 's')
			continue;
		if (i > start)
			strv_take(ret, xstrndup(o.text.s + start, i - start));
		start = i + 1;
	}
	return r;
}
