/* SPDX-License-Identifier: MIT */
#include "pkg/build/cache_usage.h"

#include <fcntl.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/strv.h"
#include "pkg/build/cache_internal.h"
#include "pkg/json/json.h"
#include "storage/tree_size.h"

static uint64_t mount_bytes(int dir, const char *name)
{
	AUTO(tree_size_done) struct tree_size size = {0};

	if (tree_size_add(dir, name, &size) < 0)
		err_drop();
	return size.disk;
}

/* @needed: an image or a container has it too. */
static uint64_t layer_bytes(const struct usage *u, const char *id, bool *needed)
{
	struct json_object *o = NULL;
	int64_t bytes = 0;

	*needed = false;
	if (json_object_object_get_ex(u->layers, id, &o)) {
		(void)json_get_i64(o, "Bytes", &bytes);
		(void)json_get_bool(o, "Needed", needed);
	}
	return (uint64_t)bytes;
}

static void set_time(struct json_object *o, const char *key, int64_t ns)
{
	char span[CLOCK_TEXT_MAX];
	AUTO_FREE char *text = NULL;

	clock_format_span(clock_now_ns() - ns, span);
	text = xasprintf("%s ago", span);
	json_set_str(o, key, text);
}

static void add_row(struct json_object *rows, const struct cache_item *it, uint64_t bytes,
		    bool shared)
{
	struct json_object *o = json_object_new_object();

	AUTO_FREE char *id = xstrndup(it->id, 12);

	json_set_str(o, "CacheID", id);
	json_set_str(o, "CacheType", it->is_mount ? "exec.cachemount" : "regular");
	json_set_size(o, "Size", bytes);
	set_time(o, "Created", it->created_ns);
	set_time(o, "LastUsed", it->used_ns);
	json_set_bool(o, "Shared", shared);
	(void)json_object_array_add(rows, o);
}

int cache_usage(struct store *st, struct usage *u, const struct cache_choice *only,
		struct json_object **ret_rows)
{
	struct json_object *rows = json_object_new_array();
	AUTO_CLOSE int mounts = cache_dir(st, CACHE_MOUNTS);
	struct cache_item *v = NULL;
	size_t n = 0, active = 0;
	int r = cache_list(st, &v, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		bool needed = false;
		uint64_t bytes = v[i].is_mount && ret_rows ? mount_bytes(mounts, v[i].id)
				 : v[i].layer[0]           ? layer_bytes(u, v[i].layer, &needed)
							   : 0;

		active += needed;
		if (!only || cache_choice_has(only, v[i].id, v[i].is_mount, v[i].used_ns))
			add_row(rows, &v[i], bytes, needed);
	}
	cache_list_free(v, n);
	if (r == 0)
		(void)json_object_array_add(u->kinds, usage_kind("Build Cache", n, active,
								 u->cache_bytes + u->loose_bytes,
								 u->cache_bytes + u->loose_bytes));
	if (r == 0 && ret_rows)
		*ret_rows = rows;
	else
		json_putp(&rows);
	return r;
}
