/* SPDX-License-Identifier: MIT */
#include "pkg/build/mask.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"

#define SHOWN "***"

static int longer_first(const void *a, const void *b)
{
	size_t x = strlen(*(char *const *)a), y = strlen(*(char *const *)b);

	return x == y ? 0 : x > y ? -1 : 1;
}

static void add_value(const struct secret_source *s, struct strv *ret)
{
	for (size_t at = 0; at < s->n;) {
		size_t n = 0;

		while (at + n < s->n && !strchr("\r\n", s->value[at + n])) /* NUL, too */
			n++;
		if (n >= MASK_LEAST) {
			AUTO_FREE char *word = xstrndup(s->value + at, n);

			if (!strv_has(ret, word))
				strv_add(ret, word);
			explicit_bzero(word, n);
		}
		at += n + 1;
	}
}

bool masks_of_stage(const struct builder *b, unsigned i, struct masks *ret)
{
	const struct stage_plan *p = &b->stages[i];

	for (unsigned k = 0; k < p->n_ops; k++)
		for (unsigned m = 0; m < p->ops[k].n_mounts; m++)
			for (unsigned s = 0; s < b->n_secrets; s++)
				if (p->ops[k].mounts[m].type == RUN_MOUNT_SECRET &&
				    strcmp(p->ops[k].mounts[m].id, b->secrets[s].id) == 0)
					add_value(&b->secrets[s], &ret->words);
	if (ret->words.n)
		qsort(ret->words.v, ret->words.n, sizeof(*ret->words.v), longer_first);
	return ret->words.n > 0;
}

void masks_done(struct masks *m)
{
	for (size_t i = 0; i < m->words.n; i++)
		explicit_bzero(m->words.v[i], strlen(m->words.v[i]));
	strv_done(&m->words);
}

size_t masks_longest(const struct masks *m)
{
	return m->words.n ? strlen(m->words.v[0]) : 0;
}

static void replace(struct sbuf *line, const char *word)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	const char *at = line->s, *hit;

	if (!strstr(at, word))
		return;
	for (; (hit = strstr(at, word)) != NULL; at = hit + strlen(word)) {
		sbuf_add(&out, at, (size_t)(hit - at));
		sbuf_adds(&out, SHOWN);
	}
	sbuf_adds(&out, at);
	explicit_bzero(line->s, line->len);
	sbuf_reset(line);
	sbuf_add(line, out.s, out.len);
}

void masks_apply(const struct masks *m, struct sbuf *line)
{
	for (size_t i = 0; i < m->words.n; i++)
		replace(line, m->words.v[i]);
}
