/* SPDX-License-Identifier: MIT */
/* What the build cache holds, for those who show it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/cache_internal.h"
#include "pkg/sys/file.h"

static int by_last_use(const void *a, const void *b)
{
	const struct cache_item *x = a, *y = b;

	return (x->used_ns < y->used_ns) - (x->used_ns > y->used_ns);
}

void cache_list_free(struct cache_item *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].id);
	free(v);
}

static int64_t made_ns(int dir, const char *key)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	long long ns = 0;

	if (file_read_at(dir, key, 256, &b) < 0)
		err_drop();
	else if (sscanf(b.s, "%*64s %lld", &ns) != 1)
		ns = 0;
	return ns;
}

int cache_list(struct store *st, struct cache_item **ret, size_t *ret_n)
{
	static const char *const kinds[] = {CACHE_RESULTS, CACHE_MOUNTS};
	struct cache_item *v = NULL;
	size_t n = 0;
	int r = 0;

	for (size_t k = 0; r == 0 && k < ARRAY_LEN(kinds); k++) {
		AUTO_STRV struct strv names = STRV_INIT;
		AUTO_CLOSE int dir = cache_dir(st, kinds[k]);

		err_drop(); /* what is not there holds nothing */
		r = cache_names(st, kinds[k], &names);
		for (size_t i = 0; r == 0 && i < names.n; i++) {
			AUTO_FREE char *lock_name = xasprintf("%s" CACHE_LOCK_SUFFIX, names.v[i]);
			struct cache_item *it;

			if (k == 1 && strstr(names.v[i], CACHE_LOCK_SUFFIX))
				continue;
			v = xreallocarray(v, n + 1, sizeof(*v));
			it = &v[n++];
			*it = (struct cache_item){.id = xstrdup(names.v[i]), .is_mount = k == 1};
			it->used_ns = cache_used_ns(dir, k == 1 ? lock_name : names.v[i]);
			if (k == 1) {
				it->created_ns = it->used_ns;
				continue;
			}
			cache_layer_of(dir, names.v[i], it->layer);
			it->created_ns = made_ns(dir, names.v[i]);
		}
	}
	if (n)
		qsort(v, n, sizeof(*v), by_last_use);
	*ret = v;
	*ret_n = n;
	return r;
}
