/* SPDX-License-Identifier: MIT */
/* A pattern becomes a row of states; matching walks all of them at once over the path. */
#include "pkg/build/glob.h"

#include <stdint.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/utf8.h"

enum token_kind {
	T_CHAR,
	T_ANY, /* one character but '/' */
	T_CLASS,
	T_STAR, /* any number of characters but '/' */
	T_DEEP, /* any number of characters */
	T_DIRS, /* nothing, or T_IN_DIRS */
	T_IN_DIRS, /* any number of characters, the last a '/' */
};

struct range {
	uint32_t low, high;
};

struct token {
	enum token_kind kind;
	uint32_t c;
	bool negated;
	struct range *ranges;
	unsigned n_ranges;
};

struct glob {
	struct token *v;
	size_t n;
};

void glob_free(struct glob *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].ranges);
	free(g->v);
	free(g);
}

void glob_freep(struct glob **g)
{
	glob_free(*g);
	*g = NULL;
}

bool glob_is_literal(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (strchr("*?[", *pattern))
			return false;
		if (*pattern == '\\' && pattern[1])
			pattern++;
	}
	return true;
}

char *glob_unescape(const char *pattern)
{
	char *out = xstrdup(pattern), *o = out;

	for (; *pattern; pattern++) {
		if (*pattern == '\\' && pattern[1])
			pattern++;
		*o++ = *pattern;
	}
	*o = '\0';
	return out;
}

/* A code point, or a byte that is no UTF-8 above all of those. */
static uint32_t next_char(const char **s)
{
	uint32_t c;
	unsigned n = utf8_decode(*s, strlen(*s) < 4 ? strlen(*s) : 4, &c);

	if (!n) {
		c = 0x110000U + (unsigned char)**s;
		n = 1;
	}
	*s += n;
	return c;
}

static int class_char(const char **s, uint32_t *ret)
{
	if (**s == '\\')
		(*s)++;
	if (!**s)
		return err_usage("a '[' is not closed");
	*ret = next_char(s);
	return 0;
}

static int parse_class(const char **s, struct token *t)
{
	int r = 0;

	t->kind = T_CLASS;
	t->negated = **s == '^';
	*s += t->negated;
	while (r == 0 && (**s != ']' || !t->n_ranges)) {
		struct range g;

		if (**s == ']' || **s == '-')
			return err_usage("an empty '[]', or a range without a beginning");
		r = class_char(s, &g.low);
		g.high = g.low;
		if (r == 0 && **s == '-') {
			(*s)++;
			if (**s == ']')
				return err_usage("a range without an end");
			r = class_char(s, &g.high);
		}
		if (r < 0)
			return r;
		t->ranges = xreallocarray(t->ranges, t->n_ranges + 1, sizeof(g));
		t->ranges[t->n_ranges++] = g;
	}
	(*s)++;
	return r;
}

static struct token *push(struct glob *g, enum token_kind k)
{
	g->v = xreallocarray(g->v, g->n + 1, sizeof(*g->v));
	g->v[g->n] = (struct token){.kind = k};
	return &g->v[g->n++];
}

static void parse_star(struct glob *g, const char **s, unsigned flags)
{
	if (!(flags & GLOB_DEEP) || **s != '*') {
		if (!g->n || g->v[g->n - 1].kind != T_STAR)
			(void)push(g, T_STAR);
		return;
	}
	while (**s == '*')
		(*s)++;
	if (**s == '/') {
		(*s)++;
		(void)push(g, T_DIRS);
		(void)push(g, T_IN_DIRS);
	} else {
		(void)push(g, T_DEEP);
	}
}

int glob_new(const char *pattern, unsigned flags, struct glob **ret)
{
	AUTO(glob_freep) struct glob *g = xcalloc(1, sizeof(*g));
	const char *s = pattern;
	int r = 0;

	while (r == 0 && *s) {
		if (*s == '*') {
			s++;
			parse_star(g, &s, flags);
		} else if (*s == '?') {
			s++;
			(void)push(g, T_ANY);
		} else if (*s == '[') {
			s++;
			r = parse_class(&s, push(g, T_CLASS));
		} else {
			s += *s == '\\';
			if (!*s)
				r = err_usage("a '\\' at the end");
			else
				push(g, T_CHAR)->c = next_char(&s);
		}
	}
	if (r < 0)
		return err_wrap(r, "pattern '%s'", pattern);
	*ret = TAKE_PTR(g);
	return 0;
}

static bool in_class(const struct token *t, uint32_t c)
{
	bool in = false;

	for (unsigned i = 0; i < t->n_ranges && !in; i++)
		in = c >= t->ranges[i].low && c <= t->ranges[i].high;
	return in != t->negated;
}

/* Enter state @i and what can be reached from it for nothing. */
static void enter(const struct glob *g, unsigned char *set, size_t i)
{
	while (!set[i]) {
		set[i] = 1;
		if (i == g->n)
			return;
		if (g->v[i].kind == T_DIRS)
			enter(g, set, i + 1);
		if (g->v[i].kind == T_STAR || g->v[i].kind == T_DEEP)
			i++;
		else if (g->v[i].kind == T_DIRS)
			i += 2;
		else
			return;
	}
}

bool glob_match(const struct glob *g, const char *path)
{
	AUTO_FREE unsigned char *now = xcalloc(g->n + 1, 1), *next = xcalloc(g->n + 1, 1);

	enter(g, now, 0);
	while (*path) {
		uint32_t c = next_char(&path);
		unsigned char *swap = now;

		memset(next, 0, g->n + 1);
		for (size_t i = 0; i < g->n; i++) {
			const struct token *t = &g->v[i];

			if (!now[i])
				continue;
			if ((t->kind == T_CHAR && t->c == c) || (t->kind == T_ANY && c != '/') ||
			    (t->kind == T_CLASS && c != '/' && in_class(t, c)))
				enter(g, next, i + 1);
			else if (t->kind == T_DEEP || (t->kind == T_STAR && c != '/'))
				enter(g, next, i);
			else if (t->kind == T_IN_DIRS) {
				enter(g, next, i);
				if (c == '/')
					enter(g, next, i + 1);
			}
		}
		now = next;
		next = swap;
	}
	return now[g->n];
}
