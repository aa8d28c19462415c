/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/put_told.h"

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "storage/event.h"
#include "storage/store.h"

static const char *name_of(const struct image_record *rec, size_t i)
{
	return rec->names.n ? rec->names.v[i] : "";
}

int image_put_told(struct store *st, const struct image_record *rec, const char *status)
{
	size_t n = !status ? 0 : rec->names.n ? rec->names.n : 1;
	AUTO_FREE struct event_pending *pending = xcalloc(n + 1, sizeof(*pending));
	int r, dir = store_runtime_fd(st);

	for (size_t i = 0; i < n; i++)
		event_begin_named(dir, "image", status, rec->id, name_of(rec, i), &pending[i]);
	r = image_store_put(st, rec);
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			event_named(dir, "image", status, rec->id, name_of(rec, i));
		event_over(dir, &pending[i]);
	}
	return r;
}
