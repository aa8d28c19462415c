/* SPDX-License-Identifier: MIT */
#include "pkg/container/idmap.h"

#include <stdio.h>
#include <stdlib.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

#define ENTRIES_MAX 340 /* the kernel's */

void idmap_done(struct idmap *m)
{
	free(m->v);
	*m = (struct idmap){0};
}

void idmap_add(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count)
{
	if (!count)
		return;
	m->v = xreallocarray(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = (struct rt_idmap){inside, outside, count};
}

/* What stands in @e before its @first and from its @end on; both may be empty. */
static void add_remains(struct idmap *m, const struct rt_idmap *e, uint64_t first, uint64_t end)
{
	if (first > e->count)
		first = e->count;
	if (end > e->count)
		end = e->count;
	idmap_add(m, e->inside, e->outside, (uint32_t)first);
	idmap_add(m, e->inside + (uint32_t)end, e->outside + (uint32_t)end,
		  e->count - (uint32_t)end);
}

/* Where, counted from @start, does [@at, @at + @count) cut a range of @n? Nowhere: both are @n. */
static void cut(uint32_t start, uint32_t n, uint32_t at, uint32_t count, uint64_t *first,
		uint64_t *end)
{
	uint64_t lo = at > start ? at - (uint64_t)start : 0;
	uint64_t hi = (uint64_t)at + count > start ? (uint64_t)at + count - start : 0;

	if (lo >= n || hi == 0)
		lo = hi = n;
	*first = lo;
	*end = hi;
}

void idmap_insert(struct idmap *m, uint32_t inside, uint32_t outside, uint32_t count)
{
	for (unsigned side = 0; side < 2; side++) {
		struct idmap left = {0};

		for (unsigned i = 0; i < m->n; i++) {
			const struct rt_idmap *e = &m->v[i];
			uint64_t first, end;

			cut(side ? e->outside : e->inside, e->count, side ? outside : inside, count,
			    &first, &end);
			add_remains(&left, e, first, end);
		}
		free(m->v);
		*m = left;
	}
	idmap_add(m, inside, outside, count);
}

static bool overlap(uint32_t a, uint32_t n, uint32_t b, uint32_t k)
{
	return a < (uint64_t)b + k && b < (uint64_t)a + n;
}

int idmap_check(const struct idmap *m, uint64_t limit, const char *flag)
{
	uint32_t unused;

	if (m->n > ENTRIES_MAX)
		return err_usage("%s: more than %d ranges", flag, ENTRIES_MAX);
	for (unsigned i = 0; i < m->n; i++) {
		const struct rt_idmap *e = &m->v[i];

		if ((uint64_t)e->inside + e->count > UINT32_MAX)
			return err_usage("%s: %u:%u:%u ends beyond the last id", flag, e->inside,
					 e->outside, e->count);
		if ((uint64_t)e->outside + e->count > limit)
			return err_usage("%s: %u:%u:%u is more than the %llu ids that are yours; "
					 "see /etc/subuid and /etc/subgid",
					 flag, e->inside, e->outside, e->count,
					 (unsigned long long)limit);
		for (unsigned k = 0; k < i; k++) {
			const struct rt_idmap *o = &m->v[k];

			if (overlap(e->inside, e->count, o->inside, o->count) ||
			    overlap(e->outside, e->count, o->outside, o->count))
				return err_usage("%s: %u:%u:%u and %u:%u:%u overlap", flag,
						 o->inside, o->outside, o->count, e->inside,
						 e->outside, e->count);
		}
	}
	if (!idmap_find(m->v, m->n, 0, &unused))
		return err_usage("%s: id 0 must be mapped: a container starts as root", flag);
	return 0;
}

bool idmap_is_identity(const struct rt_idmap *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i].inside != v[i].outside)
			return false;
	return true;
}

bool idmap_has_outside(const struct rt_idmap *v, unsigned n, uint32_t outside)
{
	for (unsigned i = 0; i < n; i++)
		if (outside >= v[i].outside && outside - v[i].outside < v[i].count)
			return true;
	return false;
}

void idmap_write(const struct idmap *m, struct strv *ret)
{
	for (unsigned i = 0; i < m->n; i++)
		strv_addf(ret, "%u:%u:%u", m->v[i].inside, m->v[i].outside, m->v[i].count);
}

int idmap_read(const struct strv *text, struct idmap *ret)
{
	struct idmap m = {0};

	for (size_t i = 0; i < text->n; i++) {
		AUTO_STRV struct strv parts = STRV_INIT;
		uint32_t in, out, count;

		strv_split(&parts, text->v[i], ':');
		if (parts.n != 3 || parse_u32(parts.v[0], UINT32_MAX, &in) < 0 ||
		    parse_u32(parts.v[1], UINT32_MAX, &out) < 0 ||
		    parse_u32(parts.v[2], UINT32_MAX, &count) < 0) {
			idmap_done(&m);
			return err_new(-CE_BAD_FORMAT, "id map '%s'", text->v[i]);
		}
		idmap_add(&m, in, out, count);
	}
	*ret = m;
	return 0;
}
