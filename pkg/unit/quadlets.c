/* SPDX-License-Identifier: MIT */
#include "pkg/unit/quadlets.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/unit/quadlet.h"

#define NAME_KEY "FileName="

struct part {
	unsigned line; /* its first */
	struct sbuf text;
	char *name;
	enum quadlet_kind kind;
};

static void part_done(struct part *p)
{
	sbuf_done(&p->text);
	free(p->name);
}

static void part_begin(struct part *p, unsigned line)
{
	part_done(p);
	*p = (struct part){.line = line, .kind = QUADLET_KINDS};
}

/* "[Container]" */
static void look_for_section(struct part *p, const char *line)
{
	size_t n = strlen(line);

	for (enum quadlet_kind k = 0; *line == '[' && k < QUADLET_KINDS; k++)
		if (n == strlen(quadlet_section(k)) + 2 && line[n - 1] == ']' &&
		    !strncmp(line + 1, quadlet_section(k), n - 2))
			p->kind = k;
}

/* "# FileName=web" */
static void look_for_name(struct part *p, const char *line)
{
	line += strspn(line, "#; \t");
	if (!p->name && !strncmp(line, NAME_KEY, strlen(NAME_KEY)))
		p->name = xstrdup(line + strlen(NAME_KEY));
}

static bool is_blank(const struct sbuf *text)
{
	return !text->len || strspn(text->s, " \t\r\n") == text->len;
}

/* Nothing between two lines "---" is no part. */
static int part_end(struct part *p, struct strv *names, struct strv *texts)
{
	if (is_blank(&p->text))
		return 0;
	if (!p->name || !*p->name)
		return err_new(-CE_BAD_FORMAT,
			       "line %u: what begins here has no \"# " NAME_KEY "…\"", p->line);
	if (strchr(p->name, '/'))
		return err_new(-CE_BAD_FORMAT, "line %u: " NAME_KEY "%s: a name without slashes",
			       p->line, p->name);
	if (p->kind == QUADLET_KINDS)
		return err_new(-CE_BAD_FORMAT,
			       "line %u: %s has none of the sections [Container], [Volume] and "
			       "their like",
			       p->line, p->name);
	if (quadlet_kind_of(p->name, NULL) == p->kind)
		strv_add(names, p->name);
	else
		strv_addf(names, "%s%s", p->name, quadlet_suffix(p->kind));
	strv_add(texts, p->text.s);
	return 0;
}

int quadlets_split(const char *text, size_t n, struct strv *ret_names, struct strv *ret_texts)
{
	const char *end = text + n;
	struct part p = {.line = 1, .kind = QUADLET_KINDS};
	unsigned number = 1;
	int r = 0;

	if (memchr(text, 0, n))
		return err_new(-CE_BAD_FORMAT, "holds a NUL byte");
	for (; r == 0 && text < end; number++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		AUTO_FREE char *line = xstrndup(text, (size_t)((stop ? stop : end) - text));

		for (size_t len = strlen(line); len && strchr(" \t\r", line[len - 1]); len--)
			line[len - 1] = '\0';
		if (!strcmp(line, "---")) {
			r = part_end(&p, ret_names, ret_texts);
			part_begin(&p, number + 1);
		} else {
			if (*line == '#' || *line == ';')
				look_for_name(&p, line);
			look_for_section(&p, line);
			sbuf_add(&p.text, text, (size_t)((stop ? stop + 1 : end) - text));
		}
		text = stop ? stop + 1 : end;
	}
	if (r == 0)
		r = part_end(&p, ret_names, ret_texts);
	if (r == 0 && !ret_names->n)
		r = err_new(-CE_BAD_FORMAT, "there is nothing in it");
	part_done(&p);
	return r;
}
