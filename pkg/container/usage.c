/* SPDX-License-Identifier: MIT */
#include "pkg/container/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/container/container.h"
#include "pkg/container/list.h"
#include "pkg/image/list.h"
#include "pkg/json/json.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/names.h"
#include "storage/image_store.h"
#include "storage/layer.h"
#include "storage/part.h"
#include "storage/tree_size.h"
#include "storage/volume.h"

/* An image, a layer, a container or a volume: what it takes and how often it is used. */
struct item {
	const char *name;
	uint64_t bytes;
	unsigned
		links; /* layers: images; images and volumes: containers; a container: its volumes */
	bool active; /* a container needs it; a container: it runs */
};

struct items {
	struct strv names; /* sorted, in step with v */
	struct item *v;
	uint64_t bytes; /* of their kind in all */
};

struct count {
	uint64_t cache_bytes; /* of what lies beside results of builds: their list, caches of RUN */
	struct items layers, images, containers, volumes;
	struct image_summary *summaries; /* in step with images */
	uint64_t parts; /* of downloads that were cut off */
	uint64_t copies; /* of layers that stay, for ids that no container has any more */
	struct usage *out;
};

static void items_done(struct items *s)
{
	strv_done(&s->names);
	free(s->v);
}

static void count_done(struct count *c)
{
	for (size_t i = 0; i < c->images.names.n; i++)
		image_summary_done(&c->summaries[i]);
	free(c->summaries);
	items_done(&c->layers);
	items_done(&c->images);
	items_done(&c->containers);
	items_done(&c->volumes);
}

void usage_done(struct usage *u)
{
	json_putp(&u->kinds);
	json_putp(&u->layers);
	json_putp(&u->images);
	json_putp(&u->containers);
	json_putp(&u->volumes);
	json_putp(&u->parts);
}

static int by_name(const void *key, const void *item)
{
	return strcmp(key, ((const struct item *)item)->name);
}

static struct item *find(const struct items *s, const char *name)
{
	return s->names.n ? bsearch(name, s->v, s->names.n, sizeof(*s->v), by_name) : NULL;
}

static void items_make(struct items *s)
{
	strv_sort(&s->names);
	s->v = xcalloc(s->names.n + 1, sizeof(*s->v));
	for (size_t i = 0; i < s->names.n; i++)
		s->v[i].name = s->names.v[i];
}

/* ---- who uses what: records alone ---- */

static void use_layers(const struct items *layers, const struct strv *ids, bool active)
{
	for (size_t i = 0; i < ids->n; i++) {
		struct item *l = find(layers, ids->v[i]);

		if (l && active)
			l->active = true;
		else if (l)
			l->links++;
	}
}

static void use_container(struct count *c, struct item *self, const struct container *k)
{
	struct item *image = find(&c->images, k->rec->image_id ? k->rec->image_id : "");

	self->active = container_is_running(k);
	use_layers(&c->layers, &k->rec->layers, true);
	if (image) {
		image->active = true;
		image->links++;
	}
	for (unsigned i = 0; i < k->rec->n_mounts; i++) {
		const struct mount_spec *m = &k->rec->mounts[i];
		struct item *v = m->kind == MOUNT_VOLUME ? find(&c->volumes, m->source) : NULL;

		self->links += m->kind == MOUNT_VOLUME;
		if (v) {
			v->active = true;
			v->links++;
		}
	}
}

static int read_records(struct store *st, struct count *c)
{
	int r = layer_list(st, &c->layers.names);

	if (r == 0)
		r = image_store_list(st, &c->images.names);
	if (r == 0)
		r = container_store_list(st, &c->containers.names);
	if (r == 0)
		r = volume_list(st, &c->volumes.names);
	if (r < 0) {
		c->images.names.n = 0;
		return r;
	}
	items_make(&c->layers);
	items_make(&c->images);
	items_make(&c->containers);
	items_make(&c->volumes);
	c->summaries = xcalloc(c->images.names.n + 1, sizeof(*c->summaries));
	for (size_t i = 0; i < c->images.names.n; i++) {
		if (image_store_summary(st, c->images.names.v[i], &c->summaries[i]) < 0)
			err_drop(); /* damaged or gone: its bytes are counted, its layers are nobody's */
		use_layers(&c->layers, &c->summaries[i].diffids, false);
	}
	for (size_t i = 0; i < c->containers.names.n; i++) {
		struct container k;

		if (container_open_id(st, c->containers.names.v[i], &k) < 0) {
			err_drop();
			continue;
		}
		use_container(c, &c->containers.v[i], &k);
		container_done(&k);
	}
	return 0;
}

/* ---- bytes: every file, once ---- */

/* All that lies in one directory of the store, and what each of @items takes of it. */
static int measure(struct store *st, enum store_dir d, struct items *items, struct tree_size *sum)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int dir = store_fd(st, d), r = dir < 0 ? dir : tree_size_add_self(dir, sum);

	if (r == 0)
		r = dir_names(dir, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct item *item = items ? find(items, names.v[i]) : NULL;
		uint64_t before = sum->disk;

		r = tree_size_add(dir, names.v[i], sum);
		if (item)
			item->bytes = sum->disk - before;
	}
	return r;
}

/* Layers that no image and no container has: results of builds. */
static uint64_t bytes_of_nobody(const struct count *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->layers.names.n; i++)
		if (!c->layers.v[i].links && !c->layers.v[i].active)
			sum += c->layers.v[i].bytes;
	return sum;
}

static int measure_images(struct store *st, struct count *c)
{
	static const enum store_dir besides[] = {STORE_REFS, STORE_BLOBS, STORE_STAGING,
						 STORE_LOCKS, STORE_PARTS};
	AUTO(tree_size_done) struct tree_size sum = {0};
	AUTO(tree_size_done) struct tree_size cache = {0};
	int r = measure(st, STORE_LAYERS, &c->layers, &sum);

	if (r == 0)
		r = measure(st, STORE_IMAGES, &c->images, &sum);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(besides); i++)
		r = measure(st, besides[i], NULL, &sum);
	if (r == 0)
		r = measure(st, STORE_CACHE, NULL, &cache);
	c->cache_bytes = cache.disk;
	c->images.bytes = sum.disk - bytes_of_nobody(c);
	return r;
}

/* What is left of --userns auto and its like where the layer itself is needed. */
static int measure_copies(struct store *st, struct count *c)
{
	AUTO(tree_size_done) struct tree_size sum = {0};
	AUTO_STRV struct strv stale = STRV_INIT;
	int r = layer_owned_stale(st, STORE_LAYERS, &stale);

	for (size_t i = 0; r == 0 && i < stale.n; i++) {
		AUTO_FREE char *layer = xstrndup(stale.v[i], strcspn(stale.v[i], "/"));
		const struct item *l = find(&c->layers, layer);

		if (l && l->active)
			r = tree_size_add(store_fd(st, STORE_LAYERS), stale.v[i], &sum);
	}
	c->copies = sum.disk;
	return r;
}

static int measure_containers(struct store *st, struct count *c)
{
	AUTO(tree_size_done) struct tree_size sum = {0};
	int r = measure(st, STORE_CONTAINERS, &c->containers, &sum);

	if (r == 0) /* names are links of the records */
		r = measure(st, STORE_NAMES, NULL, &sum);
	c->containers.bytes = sum.disk;
	return r;
}

static int measure_volumes(struct store *st, struct count *c)
{
	AUTO(tree_size_done) struct tree_size sum = {0};
	int r = measure(st, STORE_VOLUMES, &c->volumes, &sum);

	c->volumes.bytes = sum.disk;
	return r;
}

static int measure_parts(struct store *st, struct count *c)
{
	struct part_info *v = NULL;
	unsigned n = 0;
	int r = parts_list(st, &v, &n);

	c->out->parts = json_object_new_array();
	for (unsigned i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		c->parts += v[i].bytes;
		json_set_str(o, "Digest", v[i].digest);
		json_set_size_word(o, "Size", v[i].bytes);
		(void)json_object_array_add(c->out->parts, o);
	}
	parts_free(v, n);
	return r;
}

/* ---- rows ---- */

struct json_object *usage_kind(const char *type, size_t total, size_t active, uint64_t bytes,
			       uint64_t reclaimable)
{
	struct json_object *o = json_object_new_object();
	char size[SIZE_TEXT_MAX];
	AUTO_FREE char *text = NULL;

	size_format_word(reclaimable, size);
	text = xasprintf("%s (%u%%)", size,
			 bytes ? (unsigned)((reclaimable * 100 + bytes / 2) / bytes) : 0);
	json_set_str(o, "Type", type);
	json_set_i64(o, "Total", (int64_t)total);
	json_set_i64(o, "TotalCount", (int64_t)total);
	json_set_i64(o, "Active", (int64_t)active);
	json_set_size_word(o, "Size", bytes);
	json_set_str(o, "Reclaimable", text);
	json_set_i64(o, "RawSize", (int64_t)bytes);
	json_set_i64(o, "RawReclaimable", (int64_t)reclaimable);
	return o;
}

static struct json_object *kind_row(const char *type, const struct items *items,
				    uint64_t reclaimable)
{
	size_t active = 0;

	for (size_t i = 0; i < items->names.n; i++)
		active += items->v[i].active;
	return usage_kind(type, items->names.n, active, items->bytes, reclaimable);
}

static void add_layers(struct count *c)
{
	c->out->layers = json_object_new_object();
	for (size_t i = 0; i < c->layers.names.n; i++) {
		const struct item *l = &c->layers.v[i];
		struct json_object *o = json_object_new_object();

		json_set_i64(o, "Bytes", (int64_t)l->bytes);
		json_set_bool(o, "Needed", l->links || l->active);
		json_set(c->out->layers, l->name, o);
	}
	c->out->cache_bytes = c->cache_bytes;
	c->out->loose_bytes = bytes_of_nobody(c);
}

static uint64_t bytes_unused(const struct items *items)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < items->names.n; i++)
		sum += items->v[i].active ? 0 : items->v[i].bytes;
	return sum;
}

static void add_kinds(struct count *c)
{
	c->out->kinds = json_object_new_array();
	(void)json_object_array_add(c->out->kinds,
				    kind_row("Images", &c->images,
					     bytes_unused(&c->images) + bytes_unused(&c->layers) -
						     bytes_of_nobody(c) + c->parts + c->copies));
	(void)json_object_array_add(c->out->kinds, kind_row("Containers", &c->containers,
							    bytes_unused(&c->containers)));
	(void)json_object_array_add(
		c->out->kinds, kind_row("Local Volumes", &c->volumes, bytes_unused(&c->volumes)));
}

static void image_sizes(struct count *c, struct item *image, struct json_object *o)
{
	const struct strv *diffids = &c->summaries[image - c->images.v].diffids;
	uint64_t shared = 0, unique = image->bytes;

	for (size_t i = 0; i < diffids->n; i++) {
		const struct item *l = find(&c->layers, diffids->v[i]);

		if (l && l->links > 1)
			shared += l->bytes;
		else if (l)
			unique += l->bytes;
	}
	json_set_size_word(o, "Size", shared + unique);
	json_set_size_word(o, "SharedSize", shared);
	json_set_size_word(o, "UniqueSize", unique);
	json_set_i64(o, "Containers", image->links);
}

static int image_rows(struct store *st, struct count *c)
{
	const struct image_query q = {.all = true, .once = true, .detail = true};
	AUTO_JSON struct json_object *unused = NULL;
	int r = image_list(st, &q, &c->out->images, &unused);

	for (size_t i = 0; r == 0 && i < json_object_array_length(c->out->images); i++) {
		struct json_object *o = json_object_array_get_idx(c->out->images, i);
		struct item *image;
		const char *id = "";

		r = json_get_str(o, "Id", &id);
		image = find(&c->images, id);
		if (r == 0 && image)
			image_sizes(c, image, o);
		json_set_str(o, "ImageID", id);
	}
	return r;
}

static int container_rows(struct store *st, struct count *c)
{
	const struct list_query q = {.all = true, .filters = &(struct strv)STRV_INIT};
	AUTO_JSON struct json_object *unused = NULL;
	int r = container_list(st, &q, &c->out->containers, &unused);

	for (size_t i = 0; r == 0 && i < json_object_array_length(c->out->containers); i++) {
		struct json_object *o = json_object_array_get_idx(c->out->containers, i);
		const struct item *k;
		const char *id = "";

		r = json_get_str(o, "Id", &id);
		k = find(&c->containers, id);
		json_set_size_word(o, "Size", k ? k->bytes : 0);
		json_set_str(o, "ContainerID", id);
		json_set_i64(o, "LocalVolumes", k ? k->links : 0);
	}
	return r;
}

static void volume_rows_make(struct count *c)
{
	c->out->volumes = json_object_new_array();
	for (size_t i = 0; i < c->volumes.names.n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_str(o, "Name", c->volumes.v[i].name);
		json_set_str(o, "VolumeName", c->volumes.v[i].name);
		json_set_i64(o, "Links", c->volumes.v[i].links);
		json_set_size_word(o, "Size", c->volumes.v[i].bytes);
		(void)json_object_array_add(c->out->volumes, o);
	}
}

static int add_details(struct store *st, struct count *c)
{
	int r = image_rows(st, c);

	if (r == 0)
		r = container_rows(st, c);
	if (r == 0)
		volume_rows_make(c);
	return r;
}

int usage_count(struct store *st, bool details, struct usage *ret)
{
	AUTO(count_done) struct count c = {.out = ret};
	int r;

	*ret = (struct usage){0};
	r = read_records(st, &c);
	if (r == 0)
		r = base_enter_own(store_runtime_fd(st));
	if (r == 0)
		r = measure_images(st, &c);
	if (r == 0)
		r = measure_parts(st, &c);
	if (r == 0)
		r = measure_copies(st, &c);
	if (r == 0)
		r = measure_containers(st, &c);
	if (r == 0)
		r = measure_volumes(st, &c);
	if (r == 0) {
		add_kinds(&c);
		add_layers(&c);
	}
	if (r == 0 && details)
		r = add_details(st, &c);
	if (r < 0)
		usage_done(ret);
	return r;
}
