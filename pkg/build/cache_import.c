/* SPDX-License-Identifier: MIT */
/* --cache-from: the list is read when the build begins, a layer comes only when a step is found in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/cache_place.h"
#include "pkg/image/load.h"

#define ENTRIES_MAX 100000

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct cache_entry *)a)->key, ((const struct cache_entry *)b)->key);
}

static bool take_hex(const char *s, char ret[65])
{
	if (!hex_is_exactly(s, 64))
		return false;
	memcpy(ret, s, 65);
	return true;
}

/* {"key": …, "layer": "sha256:…", "created": nanoseconds}; without a layer it changed nothing. */
static bool parse_entry(struct json_object *o, const struct strv *diffids, struct cache_entry *ret)
{
	struct cache_entry e = {.key = ""};
	const char *key = NULL, *layer = NULL;

	if (json_get_str(o, "key", &key) < 0 || !key || !take_hex(key, e.key) ||
	    json_get_i64(o, "created", &e.record.created_ns) < 0 || e.record.created_ns < 0)
		return false;
	if (json_get_str(o, "layer", &layer) < 0)
		return false;
	if (layer && (strncmp(layer, "sha256:", 7) != 0 || !take_hex(layer + 7, e.record.layer) ||
		      !strv_has(diffids, e.record.layer)))
		return false;
	*ret = e;
	return true;
}

int cache_entries_parse(const char *config, size_t n, struct cache_entry **ret_v, unsigned *ret_n)
{
	AUTO(image_config_done) struct image_config c = {0};
	AUTO_JSON struct json_object *doc = NULL;
	struct json_object *list = NULL;
	int r = image_config_parse(config, n, &c);

	*ret_n = 0;
	if (r == 0)
		r = json_parse(config, n, &doc);
	if (r == 0)
		r = json_get_arr(doc, CACHE_RECORDS, &list);
	if (r < 0)
		return r;
	n = list ? json_object_array_length(list) : 0;
	if (n > ENTRIES_MAX)
		return err_new(-CE_LIMIT, "it lists %zu steps", n);
	*ret_v = xcalloc(n + 1, sizeof(**ret_v));
	for (size_t i = 0; i < n; i++) {
		if (parse_entry(json_object_array_get_idx(list, i), &c.diffids, &(*ret_v)[*ret_n]))
			(*ret_n)++;
		else
			err_drop();
	}
	qsort(*ret_v, *ret_n, sizeof(**ret_v), by_key);
	return 0;
}

static struct pull_options access_of(const struct builder *b, const struct cache_place *p)
{
	struct pull_options o = b->o->pull;

	o.platform = NULL;
	if (p->insecure)
		o.access.tls_verify = 0;
	return o;
}

/* Without a tag: a cache of its own, else what an image of that name has in it. */
static int read_registry(struct builder *b, struct cache_place *p, struct sbuf *config)
{
	static const struct strv none = STRV_INIT;
	const struct pull_options o = access_of(b, p);
	int r = image_part(b->st, p->ref, &none, &o, config);
	size_t n = strlen(p->ref);
	AUTO_FREE char *latest = NULL;

	if (r == 0 || !p->any_tag || r == -CE_INTERRUPTED)
		return r;
	err_drop();
	latest = xasprintf("%.*slatest", (int)(n - strlen(CACHE_TAG)), p->ref);
	r = image_part(b->st, latest, &none, &o, config);
	if (r == 0) {
		free(p->ref);
		p->ref = TAKE_PTR(latest);
	}
	return r;
}

static int read_place(struct builder *b, struct cache_place *p)
{
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	int r = 0;

	if (p->kind == CACHE_LOCAL)
		r = p->dir < 0 ? err_new(-ENOENT, "%s", p->path)
			       : image_load_entry(b->st, p->dir, "", NULL, &config);
	else
		r = read_registry(b, p, &config);
	if (r == 0)
		r = cache_entries_parse(config.s, config.len, &p->v, &p->n);
	return r;
}

void cache_import(struct builder *b)
{
	for (size_t i = 0; !b->o->no_cache && i < b->o->cache_from.n; i++) {
		struct cache_place *p = &b->cache_from[i];
		int r = read_place(b, p);

		if (r < 0) {
			step_warn(b, "--cache-from %s: %s", p->spec, err_message(r));
			err_drop();
		} else if (!p->n) {
			step_warn(b, "--cache-from %s: there is no build cache in it", p->spec);
		}
	}
}

/* 1: the layer is in our store, where the lease holds it. */
static int fetch(struct builder *b, struct cache_place *p, const char *layer)
{
	const struct pull_options o = access_of(b, p);
	AUTO_STRV struct strv wanted = STRV_INIT;
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	int r = layer_lease_add(b->st, &b->lease, layer);

	if (r < 0)
		return r;
	if (layer_exists(b->st, layer))
		return 1;
	if (p->kind == CACHE_LOCAL)
		return 0; /* somebody removed it since */
	strv_add(&wanted, layer);
	r = image_part(b->st, p->ref, &wanted, &o, &config);
	return r < 0 ? r : layer_exists(b->st, layer);
}

int cache_import_find(struct builder *b, const char *key, struct cache_record *ret)
{
	struct cache_entry want = {.key = ""};

	memcpy(want.key, key, sizeof(want.key));
	for (size_t i = 0; b->cache_from && i < b->o->cache_from.n; i++) {
		struct cache_place *p = &b->cache_from[i];
		const struct cache_entry *e = p->n ? bsearch(&want, p->v, p->n, sizeof(*p->v),
							     by_key)
						   : NULL;
		int r;

		if (!e || e->record.created_ns < b->o->cache_from_ns)
			continue;
		r = e->record.layer[0] ? fetch(b, p, e->record.layer) : 1;
		if (r == -CE_INTERRUPTED)
			return r;
		if (r <= 0) {
			step_warn(b, "--cache-from %s: %s", p->spec,
				  r < 0 ? err_message(r) : "a layer of it is gone");
			err_drop();
			continue;
		}
		*ret = e->record;
		r = cache_put(b->st, key, ret);
		return r < 0 ? r : 1;
	}
	return 0;
}
