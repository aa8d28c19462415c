/* SPDX-License-Identifier: MIT */
#include "pkg/build/ignore.h"

#include <ctype.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/base/strv.h"
#include "pkg/build/glob.h"

#define RULES_MAX 10000

struct rule {
	bool back; /* '!' */
	struct glob *glob;
	struct strv parts; /* components, for ignore_may_hold() */
};

struct ignore {
	struct rule *v;
	size_t n;
	bool any_back;
};

struct ignore *ignore_new(void)
{
	return xcalloc(1, sizeof(struct ignore));
}

void ignore_free(struct ignore *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++) {
		glob_free(g->v[i].glob);
		strv_done(&g->v[i].parts);
	}
	free(g->v);
	free(g);
}

void ignore_freep(struct ignore **g)
{
	ignore_free(*g);
	*g = NULL;
}

bool ignore_is_empty(const struct ignore *g)
{
	return !g || !g->n;
}

static char *trimmed(const char *s, size_t n)
{
	while (n && isspace((unsigned char)*s)) {
		s++;
		n--;
	}
	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	return xstrndup(s, n);
}

int ignore_add(struct ignore *g, const char *rule)
{
	AUTO_FREE char *text = trimmed(rule, strlen(rule)), *clean = NULL;
	struct rule u = {.back = *text == '!'};
	const char *p;
	int r;

	if (u.back) {
		AUTO_FREE char *rest = trimmed(text + 1, strlen(text + 1));

		if (!*rest)
			return err_usage("'!' without a pattern");
		clean = path_clean(rest);
	} else if (*text) {
		clean = path_clean(text);
	} else {
		return 0;
	}
	p = clean + (clean[0] == '/' && clean[1]);
	if (g->n == RULES_MAX)
		return err_new(-CE_LIMIT, "more than %d rules", RULES_MAX);
	r = glob_new(p, GLOB_DEEP, &u.glob);
	if (r < 0)
		return r;
	strv_split(&u.parts, p, '/');
	g->v = xreallocarray(g->v, g->n + 1, sizeof(*g->v));
	g->v[g->n++] = u;
	g->any_back |= u.back;
	return 0;
}

int ignore_parse(struct ignore *g, const char *name, const char *text, size_t n)
{
	const char *end = text + n;
	unsigned line = 0;

	if (n > IGNORE_FILE_MAX)
		return err_new(-CE_LIMIT, "%s: more than %lu bytes", name, IGNORE_FILE_MAX);
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((nl ? nl : end) - text);
		AUTO_FREE char *rule = xstrndup(text, len);
		int r;

		line++;
		text = nl ? nl + 1 : end;
		if (*rule == '#')
			continue;
		r = ignore_add(g, rule);
		if (r < 0)
			return err_wrap(r, "%s:%u", name, line);
	}
	return 0;
}

static bool matches(const struct rule *u, const char *path)
{
	AUTO_FREE char *p = xstrdup(path);
	char *slash;

	do {
		if (glob_match(u->glob, p))
			return true;
		slash = strrchr(p, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return false;
}

bool ignore_has(const struct ignore *g, const char *path)
{
	bool ignored = false;

	for (size_t i = 0; g && *path && i < g->n; i++)
		if (g->v[i].back == ignored && matches(&g->v[i], path))
			ignored = !g->v[i].back;
	return ignored;
}

/* May @part of a rule match the directory name @name? "**" is answered by the caller. */
static bool part_matches(const char *part, const char *name)
{
	AUTO(glob_freep) struct glob *one = NULL;
	bool is;

	if (glob_new(part, 0, &one) < 0) {
		err_drop(); /* a '/' in brackets: it cannot be told apart here */
		return true;
	}
	is = glob_match(one, name);
	return is;
}

static bool may_match_below(const struct rule *u, const struct strv *dirs)
{
	for (size_t i = 0; i < dirs->n; i++) {
		if (i == u->parts.n)
			return false;
		if (strstr(u->parts.v[i], "**"))
			return true;
		if (!part_matches(u->parts.v[i], dirs->v[i]))
			return false;
	}
	return u->parts.n > dirs->n;
}

bool ignore_may_hold(const struct ignore *g, const char *path)
{
	AUTO_STRV struct strv dirs = STRV_INIT;

	if (!g || !g->any_back)
		return false;
	strv_split(&dirs, path, '/');
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i].back && may_match_below(&g->v[i], &dirs))
			return true;
	return false;
}
