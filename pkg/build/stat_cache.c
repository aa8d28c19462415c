/* SPDX-License-Identifier: MIT */
/*
 * The file: a head, then records sorted by device and inode, as this machine writes them; it is
 * looked into by mapping it. It is only ever replaced as a whole, and what is not as it should be is
 * taken for nothing at all.
 */
#include "pkg/build/stat_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/build/cache.h"
#include "pkg/sys/file.h"

#define MAGIC "cuddy stat 1\n\0\0"
#define RECORDS_MAX 1000000U
#define YOUNG_NS (2 * NS_PER_S)

struct record {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	unsigned char digest[32];
};

struct head {
	char magic[16];
	uint64_t n;
};

struct stat_cache {
	struct store *st;
	char name[64];
	void *map;
	size_t map_bytes, n;
	const struct record *old; /* in the map */
	struct record *added;
	size_t n_added, room;
};

static int64_t ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static void load(struct stat_cache *c)
{
	AUTO_CLOSE int dir = cache_dir_make(c->st, CACHE_STAT), fd = -EBADF;
	const struct head *h;
	struct stat s;
	void *p;

	fd = dir < 0 ? -1 : openat(dir, c->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &s) < 0 || (size_t)s.st_size < sizeof(*h))
		return;
	p = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return;
	h = p;
	if (memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0 || h->n > RECORDS_MAX ||
	    (size_t)s.st_size != sizeof(*h) + h->n * sizeof(struct record)) {
		(void)munmap(p, (size_t)s.st_size);
		return;
	}
	c->map = p;
	c->map_bytes = (size_t)s.st_size;
	c->old = (const struct record *)(h + 1);
	c->n = h->n;
	(void)utimensat(dir, c->name, NULL, 0); /* used: for cache_prune() */
}

struct stat_cache *stat_cache_open(struct store *st, int root)
{
	struct stat_cache *c = xcalloc(1, sizeof(*c));
	struct stat s;

	c->st = st;
	if (fstat(root, &s) < 0)
		return c; /* remembers for this build only */
	(void)snprintf(c->name, sizeof(c->name), "%llx-%llx", (unsigned long long)s.st_dev,
		       (unsigned long long)s.st_ino);
	load(c);
	err_drop();
	return c;
}

static const struct record *find(const struct stat_cache *c, const struct stat *s)
{
	const struct record key = {.dev = s->st_dev, .ino = s->st_ino};

	return c->n ? bsearch(&key, c->old, c->n, sizeof(key), compare) : NULL;
}

bool stat_cache_find(const struct stat_cache *c, const struct stat *s, char ret_hex[65])
{
	static const char digits[] = "0123456789abcdef";
	const struct record *r = find(c, s);

	if (!r || r->size != (uint64_t)s->st_size || r->mtime_ns != ns_of(&s->st_mtim) ||
	    r->ctime_ns != ns_of(&s->st_ctim))
		return false;
	for (unsigned i = 0; i < 32; i++) {
		ret_hex[2 * i] = digits[r->digest[i] >> 4];
		ret_hex[2 * i + 1] = digits[r->digest[i] & 15];
	}
	ret_hex[64] = '\0';
	return true;
}

static unsigned char nibble(char c)
{
	return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void stat_cache_add(struct stat_cache *c, const struct stat *s, const char *hex)
{
	struct record r = {.dev = s->st_dev,
			   .ino = s->st_ino,
			   .size = (uint64_t)s->st_size,
			   .mtime_ns = ns_of(&s->st_mtim),
			   .ctime_ns = ns_of(&s->st_ctim)};
	int64_t latest = clock_now_ns() - YOUNG_NS;

	if (r.mtime_ns > latest || r.ctime_ns > latest || c->n_added == RECORDS_MAX)
		return;
	for (unsigned i = 0; i < 32; i++)
		r.digest[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	if (c->n_added == c->room) {
		c->room = c->room ? c->room * 2 : 256;
		c->added = xreallocarray(c->added, c->room, sizeof(*c->added));
	}
	c->added[c->n_added++] = r;
}

/* New ones first among equals, then each once. Too many: the new ones alone. */
static struct record *merge(struct stat_cache *c, size_t *ret_n)
{
	struct record *all;
	size_t n = 0, i = 0, k = 0;

	qsort(c->added, c->n_added, sizeof(*c->added), compare);
	if (c->n + c->n_added > RECORDS_MAX)
		c->n = 0;
	all = xcalloc(c->n + c->n_added, sizeof(*all));
	while (i < c->n_added || k < c->n) {
		int d = i == c->n_added ? 1 : k == c->n ? -1 : compare(&c->added[i], &c->old[k]);
		const struct record *next = d <= 0 ? &c->added[i] : &c->old[k];

		i += d <= 0;
		k += d >= 0;
		if (n && compare(&all[n - 1], next) == 0)
			n--; /* added twice: the later one */
		all[n++] = *next;
	}
	*ret_n = n;
	return all;
}

static void save(struct stat_cache *c)
{
	AUTO_CLOSE int dir = cache_dir_make(c->st, CACHE_STAT);
	AUTO_FREE struct record *all = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct head h = {.magic = MAGIC};
	size_t n;

	if (dir < 0 || !*c->name)
		return;
	all = merge(c, &n);
	h.n = n;
	sbuf_add(&text, &h, sizeof(h));
	sbuf_add(&text, all, n * sizeof(*all));
	if (file_replace(dir, c->name, text.s, text.len, 0600, FILE_NO_SYNC) < 0)
		err_drop(); /* the next build reads the files */
}

void stat_cache_close(struct stat_cache *c)
{
	if (!c)
		return;
	if (c->n_added)
		save(c);
	if (c->map)
		(void)munmap(c->map, c->map_bytes);
	free(c->added);
	free(c);
}
