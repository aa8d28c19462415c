/* SPDX-License-Identifier: MIT */
#include "pkg/unit/file.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

#define BLANKS " \t\r"

static void line_done(struct unit_line *l)
{
	free(l->section);
	free(l->key);
	free(l->value);
	free(l->where);
}

void unit_file_done(struct unit_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		line_done(&f->v[i]);
	free(f->v);
	strv_done(&f->sections);
	memset(f, 0, sizeof(*f));
}

static void add(struct unit_file *f, struct unit_line l)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 32;
		f->v = xreallocarray(f->v, f->cap, sizeof(*f->v));
	}
	f->v[f->n++] = l;
}

void unit_file_add(struct unit_file *f, const char *section, const char *key, const char *value)
{
	add(f, (struct unit_line){xstrdup(section), xstrdup(key), xstrdup(value), xstrdup("")});
}

void unit_file_addf(struct unit_file *f, const char *section, const char *key, const char *fmt, ...)
{
	va_list ap;
	char *value;

	va_start(ap, fmt);
	value = xvasprintf(fmt, ap);
	va_end(ap);
	add(f, (struct unit_line){xstrdup(section), xstrdup(key), value, xstrdup("")});
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && strchr(BLANKS, *p))
		p++;
	return p;
}

/*
 * One logical line: a backslash at the end of a line stands for a blank and the next line, and
 * comments in between do not count. Return: where the next one begins.
 */
static const char *next_line(const char *p, const char *end, struct sbuf *line, unsigned *number)
{
	bool continued = false;

	sbuf_reset(line);
	for (;;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		const char *begin = skip_blanks(p, stop ? stop : end), *last;
		bool comment;

		last = stop ? stop : end;
		comment = begin < last && (*begin == '#' || *begin == ';');
		p = stop ? stop + 1 : end;
		++*number;
		if (comment && continued && p < end)
			continue;
		if (!comment)
			sbuf_add(line, begin, (size_t)(last - begin));
		sbuf_trim_end(line, "\r");
		if (comment || line->len == 0 || line->s[line->len - 1] != '\\' || p >= end)
			return p;
		line->s[line->len - 1] = ' ';
		continued = true;
	}
}

static int one_line(struct unit_file *f, const char *path, unsigned number, char **section,
		    const struct sbuf *line)
{
	const char *eq = strchr(line->s, '='), *value;
	size_t key;

	if (*line->s == '[') {
		if (line->s[line->len - 1] != ']' || line->len < 3)
			return err_new(-CE_BAD_FORMAT, "%s:%u: '%s' is no [Section]", path, number,
				       line->s);
		free(*section);
		*section = xstrndup(line->s + 1, line->len - 2);
		strv_add(&f->sections, *section);
		return 0;
	}
	if (!*section)
		return err_new(-CE_BAD_FORMAT, "%s:%u: '%s' stands before the first [Section]",
			       path, number, line->s);
	if (!eq || eq == line->s)
		return err_new(-CE_BAD_FORMAT, "%s:%u: '%s' is no Key=Value", path, number,
			       line->s);
	for (key = (size_t)(eq - line->s); key && strchr(BLANKS, line->s[key - 1]); key--)
		;
	value = skip_blanks(eq + 1, line->s + line->len);
	add(f, (struct unit_line){xstrdup(*section), xstrndup(line->s, key), xstrdup(value),
				  xasprintf("%s:%u", path, number)});
	return 0;
}

int unit_file_parse(struct unit_file *f, const char *path, const char *text, size_t n)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	AUTO_FREE char *section = NULL;
	const char *p = text, *end = text + n;
	unsigned number = 0;
	int r = 0;

	if (memchr(text, 0, n))
		return err_new(-CE_BAD_FORMAT, "%s: holds a NUL byte", path);
	while (r == 0 && p < end) {
		unsigned first = number + 1;

		p = next_line(p, end, &line, &number);
		sbuf_trim_end(&line, BLANKS);
		if (line.len)
			r = one_line(f, path, first, &section, &line);
	}
	return r;
}

static bool is_key(const struct unit_line *l, const char *section, const char *key)
{
	return !strcmp(l->section, section) && !strcmp(l->key, key);
}

const struct unit_line *unit_file_next(const struct unit_file *f, const char *section,
				       const char *key, const struct unit_line *at)
{
	size_t i = 0;

	if (at) {
		i = (size_t)(at - f->v) + 1;
	} else {
		for (size_t j = 0; j < f->n; j++)
			if (is_key(&f->v[j], section, key) && !*f->v[j].value)
				i = j + 1;
	}
	for (; i < f->n; i++)
		if (is_key(&f->v[i], section, key))
			return &f->v[i];
	return NULL;
}

const struct unit_line *unit_file_last(const struct unit_file *f, const char *section,
				       const char *key)
{
	for (size_t i = f->n; i-- > 0;)
		if (is_key(&f->v[i], section, key))
			return *f->v[i].value ? &f->v[i] : NULL;
	return NULL;
}

int unit_file_bool(const struct unit_file *f, const char *section, const char *key, bool missing)
{
	const struct unit_line *l = unit_file_last(f, section, key);
	bool b;

	if (!l)
		return missing;
	if (parse_bool(l->value, &b) < 0)
		return err_new(-CE_BAD_FORMAT, "%s: %s=%s is neither yes nor no", l->where, key,
			       l->value);
	return b;
}

bool unit_file_has_section(const struct unit_file *f, const char *section)
{
	return strv_has(&f->sections, section);
}

void unit_file_write(const struct unit_file *f, struct sbuf *out)
{
	AUTO_STRV struct strv seen = STRV_INIT;

	for (size_t i = 0; i < f->n; i++) {
		const char *section = f->v[i].section;

		if (strv_has(&seen, section))
			continue;
		sbuf_addf(out, "%s[%s]\n", seen.n ? "\n" : "", section);
		strv_add(&seen, section);
		for (size_t j = i; j < f->n; j++)
			if (!strcmp(f->v[j].section, section))
				sbuf_addf(out, "%s=%s\n", f->v[j].key, f->v[j].value);
	}
}
