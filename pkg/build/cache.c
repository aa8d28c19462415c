/* SPDX-License-Identifier: MIT */
#include "pkg/build/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"

/* Changes when a key means another thing than before. */
#define KEY_VERSION "2"
#define RECORD_MAX 256

/* "<diffID or -> <nanoseconds>\n"; a power loss may have left anything. */
static bool parse_record(const struct sbuf *b, struct cache_record *ret)
{
	struct cache_record r = {.created_ns = 0};
	long long ns;

	if (sscanf(b->s, "%64s %lld\n", r.layer, &ns) != 2 || b->s[b->len - 1] != '\n')
		return false;
	if (strcmp(r.layer, "-") == 0)
		r.layer[0] = '\0';
	else if (!hex_is_exactly(r.layer, 64))
		return false;
	r.created_ns = ns;
	*ret = r;
	return true;
}

int cache_find(struct store *st, const char *key, struct layer_lease *lease,
	       struct cache_record *ret)
{
	AUTO_CLOSE int dir = cache_dir_make(st, CACHE_RESULTS);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct cache_record rec;
	int r = dir < 0 ? dir : file_read_at(dir, key, RECORD_MAX, &b);

	if (r == -ENOENT) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return err_wrap(r, "build cache");
	if (!b.len || !parse_record(&b, &rec))
		return 0;
	/* First the lease, then the look: what is there then stays. */
	r = rec.layer[0] ? layer_lease_add(st, lease, rec.layer) : 0;
	if (r < 0)
		return r;
	if (rec.layer[0] && !layer_exists(st, rec.layer))
		return 0;
	(void)utimensat(dir, key, NULL, 0); /* used: for cache_prune() */
	*ret = rec;
	return 1;
}

static size_t format_record(const struct cache_record *rec, char text[RECORD_MAX])
{
	return (size_t)snprintf(text, RECORD_MAX, "%s %lld\n", rec->layer[0] ? rec->layer : "-",
				(long long)rec->created_ns);
}

int cache_put(struct store *st, const char *key, const struct cache_record *rec)
{
	AUTO_CLOSE int dir = cache_dir_make(st, CACHE_RESULTS);
	char text[RECORD_MAX];
	size_t n = format_record(rec, text);

	return dir < 0 ? dir : file_replace(dir, key, text, n, 0600, FILE_NO_SYNC);
}

int cache_put_first(struct store *st, const char *key, struct layer_lease *lease,
		    struct cache_record *rec)
{
	AUTO_CLOSE int dir = cache_dir_make(st, CACHE_RESULTS);
	char text[RECORD_MAX];
	size_t n = format_record(rec, text);
	int r = dir < 0 ? dir : file_create(dir, key, text, n, 0600, FILE_NO_SYNC);

	if (r != -EEXIST)
		return r;
	r = cache_find(st, key, lease, rec);
	return r == 0 ? cache_put(st, key, rec) : r < 0 ? r : 0;
}

void key_add(struct sha256 *h, const char *s)
{
	char head[24];
	int n = snprintf(head, sizeof(head), "%lld:", s ? (long long)strlen(s) : -1);

	sha256_add(h, head, (size_t)n);
	if (s)
		sha256_add(h, s, strlen(s));
}

void key_begin(struct sha256 *h, const char *kind)
{
	sha256_init(h);
	key_add(h, "cuddy build " KEY_VERSION);
	key_add(h, kind);
}

void key_add_list(struct sha256 *h, const struct strv *v)
{
	char count[24];

	(void)snprintf(count, sizeof(count), "%zu", v->n);
	key_add(h, count);
	for (size_t i = 0; i < v->n; i++)
		key_add(h, v->v[i]);
}
