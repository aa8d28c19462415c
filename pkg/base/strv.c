/* SPDX-License-Identifier: MIT */
#include "pkg/base/strv.h"

#include <stdarg.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/sbuf.h"

void strv_done(struct strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	*sv = (struct strv)STRV_INIT;
}

static void reserve(struct strv *sv)
{
	if (sv->n + 2 > sv->cap) {
		sv->cap = sv->cap ? sv->cap * 2 : 8;
		sv->v = xreallocarray(sv->v, sv->cap, sizeof(*sv->v));
	}
}

void strv_take(struct strv *sv, char *s)
{
	reserve(sv);
	sv->v[sv->n++] = s;
	sv->v[sv->n] = NULL;
}

void strv_add(struct strv *sv, const char *s)
{
	strv_take(sv, xstrdup(s));
}

void strv_addf(struct strv *sv, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(sv, xvasprintf(fmt, ap));
	va_end(ap);
}

void strv_add_all(struct strv *sv, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(sv, from->v[i]);
}

void strv_insert(struct strv *sv, size_t at, const char *s)
{
	reserve(sv);
	memmove(sv->v + at + 1, sv->v + at, (sv->n - at) * sizeof(*sv->v));
	sv->v[at] = xstrdup(s);
	sv->v[++sv->n] = NULL;
}

void strv_remove(struct strv *sv, size_t at)
{
	free(sv->v[at]);
	memmove(sv->v + at, sv->v + at + 1, (sv->n - at) * sizeof(*sv->v));
	sv->n--;
}

bool strv_has(const struct strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++)
		if (strcmp(sv->v[i], s) == 0)
			return true;
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *sv)
{
	if (sv->n > 1)
		qsort(sv->v, sv->n, sizeof(*sv->v), by_bytes);
}

bool strv_begins_with(const struct strv *sv, const struct strv *prefix, size_t n)
{
	if (sv->n < n || prefix->n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(sv->v[i], prefix->v[i]) != 0)
			return false;
	return true;
}

bool strv_has_sorted(const struct strv *sv, const char *s)
{
	return sv->n && bsearch(&s, sv->v, sv->n, sizeof(*sv->v), by_bytes);
}

void strv_split(struct strv *sv, const char *s, char sep)
{
	for (;;) {
		const char *end = strchr(s, sep);

		strv_take(sv, end ? xstrndup(s, (size_t)(end - s)) : xstrdup(s));
		if (!end)
			return;
		s = end + 1;
	}
}

bool strv_split_csv(struct strv *sv, const char *s)
{
	for (;; s++) {
		AUTO_SBUF struct sbuf field = SBUF_INIT;

		if (*s == '"') {
			for (s++; *s && (*s != '"' || s[1] == '"'); s++) {
				s += *s == '"';
				sbuf_addc(&field, *s);
			}
			if (*s != '"' || (s[1] && s[1] != ','))
				return false;
			s++;
		} else {
			for (; *s && *s != ','; s++)
				sbuf_addc(&field, *s);
		}
		strv_add(sv, field.len ? field.s : "");
		if (!*s)
			return true;
	}
}

char *strv_join(const struct strv *sv, const char *sep)
{
	struct sbuf b = SBUF_INIT;

	for (size_t i = 0; i < sv->n; i++) {
		if (i)
			sbuf_adds(&b, sep);
		sbuf_adds(&b, sv->v[i]);
	}
	return sbuf_steal(&b);
}

void strv_env_set(struct strv *sv, const char *assignment)
{
	size_t name = strcspn(assignment, "=");

	for (size_t i = 0; i < sv->n; i++) {
		if (strncmp(sv->v[i], assignment, name) == 0 &&
		    (sv->v[i][name] == '=' || !sv->v[i][name])) {
			free(sv->v[i]);
			sv->v[i] = xstrdup(assignment);
			return;
		}
	}
	strv_add(sv, assignment);
}

const char *strv_env_get(const struct strv *sv, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < sv->n; i++)
		if (strncmp(sv->v[i], name, len) == 0 && sv->v[i][len] == '=')
			return sv->v[i] + len + 1;
	return NULL;
}
