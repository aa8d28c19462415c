/* SPDX-License-Identifier: MIT */
/* Containers with an allow-list: which names they may ask for, and what the keeper hears of the answers. */
#include <stdio.h>
#include <string.h>

#include "net/egress.h"
#include "pkg/net/names.h"

#define HEAD 12
#define FIXED 10 /* type, class, time to live, length */
#define TYPE_A 1
#define TYPE_AAAA 28

const struct names_limit *names_limit_by_id(const struct names_table *t, const char *id)
{
	for (unsigned i = 0; i < t->n_limits; i++)
		if (strcmp(t->limits[i].id, id) == 0)
			return &t->limits[i];
	return NULL;
}

static bool covers(const char *allowed, const char *name)
{
	struct egress_item item = {.port = 0};

	(void)snprintf(item.name, sizeof(item.name), "%s",
		       strcmp(allowed, "-") == 0 ? "" : allowed);
	return egress_covers(&item, name);
}

bool names_limit_allows(const struct names_limit *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (covers(l->v[i], name))
			return true;
	return false;
}

/* Past the name at *@at, which ends at a zero or in a pointer. */
static bool skip_name(const unsigned char *m, size_t n, size_t *at)
{
	while (*at < n && m[*at] && m[*at] < 0xc0)
		*at += 1U + m[*at];
	if (*at >= n)
		return false;
	*at += m[*at] ? 2 : 1;
	return *at <= n;
}

static size_t put_address(const struct names_limit *l, const char *name, const unsigned char *data,
			  size_t len, uint32_t ttl, char *out, size_t at)
{
	struct address a = {.family = len == 4 ? AF_INET : AF_INET6};
	char text[INET6_ADDRSTRLEN];

	memcpy(a.b, data, len);
	for (unsigned i = 0; i < l->n; i++) {
		int k = covers(l->v[i], name)
				? snprintf(out + at, NAMES_NEWS_MAX - at, "%u %u %s\n", i, ttl,
					   address_format(&a, text))
				: 0;

		if (k < 0 || (size_t)k >= NAMES_NEWS_MAX - at)
			break;
		at += (size_t)k;
	}
	out[at] = '\0';
	return at;
}

size_t names_limit_news(const struct names_limit *l, const char *name, const unsigned char *m,
			size_t n, char *out)
{
	size_t at = HEAD, len, begin;
	unsigned answers = n < HEAD ? 0 : (unsigned)m[6] << 8 | m[7];
	int k = snprintf(out, NAMES_NEWS_MAX, "A %s\n", l->id);

	if (n < HEAD || m[4] || m[5] != 1 || !skip_name(m, n, &at) || k < 0)
		return 0;
	at += 4;
	begin = len = (size_t)k;
	while (answers--) {
		const unsigned char *p;
		unsigned type, class, size;
		uint32_t ttl;

		if (!skip_name(m, n, &at) || at + FIXED > n)
			break;
		p = m + at;
		type = (unsigned)p[0] << 8 | p[1];
		class = (unsigned)p[2] << 8 | p[3];
		ttl = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
		size = (unsigned)p[8] << 8 | p[9];
		at += FIXED;
		if (size > n - at)
			break;
		if (class == 1 &&
		    ((type == TYPE_A && size == 4) || (type == TYPE_AAAA && size == 16)))
			len = put_address(l, name, m + at, size, ttl, out, len);
		at += size;
	}
	return len > begin ? len : 0;
}
