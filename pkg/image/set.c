/* SPDX-License-Identifier: MIT */
#include "pkg/image/set.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "storage/list_store.h"

void image_set_done(struct image_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		image_summary_done(&set->v[i].s);
		strv_done(&set->v[i].shown);
		strv_done(&set->v[i].digests);
		image_config_done(&set->v[i].config);
	}
	free(set->v);
	memset(set, 0, sizeof(*set));
}

static struct image_entry *by_id(struct image_set *set, const char *id)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(set->v[middle].s.id, id);

		if (c == 0)
			return &set->v[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int add_names(struct store *st, struct image_set *set)
{
	AUTO_STRV struct strv refs = STRV_INIT, ids = STRV_INIT, manifests = STRV_INIT;
	int r = ref_pairs(st, &refs, &ids, &manifests);

	for (size_t i = 0; r == 0 && i < refs.n; i++) {
		struct image_entry *e = by_id(set, ids.v[i]);

		if (!e)
			continue;
		strv_add(&e->s.names, refs.v[i]);
		if (*manifests.v[i])
			strv_addf(&e->digests, "%s=%s", refs.v[i], manifests.v[i]);
	}
	for (size_t i = 0; i < set->n; i++)
		strv_sort(&set->v[i].s.names);
	return r;
}

static int add_containers(struct store *st, struct image_set *set)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_usage(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct image_entry *e = by_id(set, ids.v[i]);

		if (e)
			e->containers++;
	}
	return r;
}

static int add_lists(struct store *st, struct image_set *set)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list_store_names(st, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(list_record_done) struct list_record rec = {0};
		AUTO_SBUF struct sbuf text = SBUF_INIT;
		struct image_entry *e;

		if (list_store_load(st, names.v[i], &rec) < 0) {
			err_drop();
			continue;
		}
		json_write(rec.index, false, &text);
		set->v = xreallocarray(set->v, set->n + 1, sizeof(*set->v));
		e = &set->v[set->n++];
		memset(e, 0, sizeof(*e));
		e->is_list = true;
		memcpy(e->s.id, rec.id, sizeof(e->s.id));
		e->s.created_ns = rec.created_ns;
		e->s.size_bytes = text.len;
		e->s.manifest_digest = digest_sha256_of(text.s, text.len);
		strv_add(&e->s.names, rec.name);
	}
	return r;
}

static void add_config(struct store *st, struct image_entry *e)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (e->has_config || e->is_list)
		return;
	/* Of the record's other files none: a list of many would read each of them. */
	if (image_store_file(st, e->s.id, "config", &b) == 0 &&
	    image_config_parse(b.s, b.len, &e->config) == 0)
		e->has_config = true;
	else
		err_drop(); /* damaged or going: listed without what the config says */
}

static void add_configs(struct store *st, struct image_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		add_config(st, &set->v[i]);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Was @child built on @parent: do its layers and its history begin with the other's? */
static bool is_parent(const struct image_entry *parent, const struct image_entry *child)
{
	const struct image_config *p = &parent->config, *c = &child->config;

	if (parent == child || !parent->has_config || !child->has_config || !p->n_history ||
	    p->n_history >= c->n_history ||
	    !strv_begins_with(&c->diffids, &p->diffids, p->diffids.n))
		return false;
	for (unsigned i = 0; i < p->n_history; i++)
		if (p->history[i].created_ns != c->history[i].created_ns ||
		    p->history[i].empty_layer != c->history[i].empty_layer ||
		    !same_text(p->history[i].created_by, c->history[i].created_by))
			return false;
	return true;
}

/* Of those with a config. */
static void find_parents(struct image_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct image_entry *child = &set->v[i];

		for (size_t k = 0; child->has_config && k < set->n; k++) {
			const struct image_entry *p = &set->v[k];

			if (is_parent(p, child) &&
			    (!child->parent ||
			     p->config.n_history > child->parent->config.n_history))
				child->parent = p;
		}
	}
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].parent)
			set->v[set->v[i].parent - set->v].has_children = true;
}

/* Only what has all layers of a nameless one can be its child, or rather than it the parent of one. */
static void add_children(struct store *st, struct image_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct image_summary *nameless = &set->v[i].s;

		for (size_t k = 0; nameless->names.n == 0 && k < set->n; k++)
			if (strv_begins_with(&set->v[k].s.diffids, &nameless->diffids,
					     nameless->diffids.n))
				add_config(st, &set->v[k]);
	}
	find_parents(set);
}

int image_set_load(struct store *st, unsigned flags, struct image_set *ret)
{
	AUTO(image_set_done) struct image_set set = {0};
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_list(st, &ids);

	if (r < 0)
		return r;
	set.v = xcalloc(ids.n + 1, sizeof(*set.v));
	for (size_t i = 0; i < ids.n; i++) {
		struct image_entry *e = &set.v[set.n];

		r = image_store_summary(st, ids.v[i], &e->s);
		if (r < 0)
			err_drop();
		if (r == -CE_NO_IMAGE)
			continue; /* removed right now */
		if (r < 0) /* one damaged record must not hide the others, nor itself */
			memcpy(e->s.id, ids.v[i], sizeof(e->s.id));
		e->read_only = image_store_read_only(st, ids.v[i]) != NULL;
		set.n++;
	}
	r = add_names(st, &set);
	if (r == 0 && flags & IMAGE_SET_CONTAINERS)
		r = add_containers(st, &set);
	if (r == 0 && flags & IMAGE_SET_LISTS)
		r = add_lists(st, &set);
	if (r < 0)
		return r;
	if (flags & (IMAGE_SET_PARENTS | IMAGE_SET_CONFIG))
		add_configs(st, &set);
	if (flags & IMAGE_SET_PARENTS)
		find_parents(&set);
	else if (flags & IMAGE_SET_CHILDREN)
		add_children(st, &set);
	*ret = set;
	memset(&set, 0, sizeof(set));
	return 0;
}
