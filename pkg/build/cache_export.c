/* SPDX-License-Identifier: MIT */
/* --cache-to: an image of what the steps made, for the registry or into a layout. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/cache_place.h"
#include "pkg/image/push.h"
#include "pkg/image/save.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"

/* --- what is known ---------------------------------------------------------------------------------- */

static void add_entry(struct json_object *list, const char *key, const char *layer,
		      int64_t created_ns)
{
	struct json_object *e = json_object_new_object();

	json_set_str(e, "key", key);
	if (*layer) {
		AUTO_FREE char *digest = xasprintf("sha256:%s", layer);

		json_set_str(e, "layer", digest);
	}
	json_set_i64(e, "created", created_ns);
	(void)json_object_array_add(list, e);
}

static bool is_of_target(const struct builder *b, unsigned stage)
{
	for (int i = b->target; i >= 0; i = b->stages[i].parent)
		if (i == (int)stage)
			return true;
	return false;
}

/* Every step once, in the order of the file; @layers: what they made. */
static void collect(const struct builder *b, bool all, struct json_object *list,
		    struct strv *layers)
{
	AUTO_STRV struct strv seen = STRV_INIT;

	for (unsigned i = 0; i < b->file->n_stages; i++) {
		const struct stage_plan *p = &b->stages[i];

		if (!p->planned || (!all && !is_of_target(b, i)))
			continue;
		for (unsigned k = 0; k < p->n_ops; k++) {
			const struct op *o = &p->ops[k];

			for (size_t n = 0; n < ARRAY_LEN(o->keys); n++) {
				if (!o->done || !o->keys[n][0] || strv_has(&seen, o->keys[n]))
					continue;
				strv_add(&seen, o->keys[n]);
				add_entry(list, o->keys[n], o->layer, o->created_ns);
			}
			if (o->done && o->layer[0] && !strv_has(layers, o->layer))
				strv_add(layers, o->layer);
		}
	}
	if (b->time_key[0])
		add_entry(list, b->time_key, "", b->time_ns);
}

void cache_export_records(const struct builder *b, bool all, struct json_object *doc)
{
	AUTO_STRV struct strv layers = STRV_INIT;
	struct json_object *list = json_object_new_array();

	collect(b, all, list, &layers);
	json_set(doc, CACHE_RECORDS, list);
}

/* --- the image of it -------------------------------------------------------------------------------- */

static void write_config(const struct builder *b, bool all, struct strv *layers, struct sbuf *out)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	struct json_object *list = json_object_new_array(), *rootfs = json_object_new_object(),
			   *ids = json_object_new_array(), *history = json_object_new_array();
	const struct image_config *c = &b->stages[b->target].image.c;
	char when[CLOCK_TEXT_MAX];

	collect(b, all, list, layers);
	clock_format_utc(0, when);
	json_set_str(doc, "created", when);
	json_set_str(doc, "architecture", c->architecture);
	json_set_str(doc, "os", c->os);
	json_set(doc, "config", json_object_new_object());
	for (size_t i = 0; i < layers->n; i++) {
		AUTO_FREE char *id = xasprintf("sha256:%s", layers->v[i]);
		struct json_object *e = json_object_new_object();

		(void)json_object_array_add(ids, json_object_new_string(id));
		json_set_str(e, "created", when);
		json_set_str(e, "created_by", "cuddy build");
		(void)json_object_array_add(history, e);
	}
	json_set_str(rootfs, "type", "layers");
	json_set(rootfs, "diff_ids", ids);
	json_set(doc, "rootfs", rootfs);
	json_set(doc, "history", history);
	json_set(doc, CACHE_RECORDS, list);
	json_write(doc, false, out);
}

/* In the store while it is sent, without a name. @ret_id: "" when no step was done that others could use. */
static int make_image(struct builder *b, const struct cache_place *p, char ret_id[65])
{
	static char type[] = MEDIA_OCI_MANIFEST;
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	AUTO_STRV struct strv layers = STRV_INIT;
	struct image_record rec = {.manifest_type = type};

	write_config(b, !p->min, &layers, &config);
	sha256_hex(config.s, config.len, rec.id);
	rec.config = config.s;
	rec.config_len = config.len;
	rec.diffids = layers;
	memcpy(ret_id, rec.id, sizeof(rec.id));
	return image_store_put(b->st, &rec);
}

/* --- where it goes ---------------------------------------------------------------------------------- */

static int to_registry(struct builder *b, const struct cache_place *p, const char *id)
{
	const struct transfer_handler quiet = {0};
	struct push_options o = {.access = b->o->pull.access,
				 .form = {.format = "oci", .compression = p->compression},
				 .report = b->o->pull.report ? b->o->pull.report : &quiet};

	if (p->insecure)
		o.access.tls_verify = 0;
	return image_push(b->st, id, p->ref, &o);
}

/* Written beside, then put in the place of what was there. */
static int to_directory(struct builder *b, const struct cache_place *p, const char *id)
{
	const struct save_options how = {.kind = "oci-dir"};
	const struct transfer_handler quiet = {0};
	const char *name = path_base(p->path);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int fd = -EBADF;
	char aside[40] = ".cuddy-cache-";
	size_t n = strlen(aside);
	int r;

	random_hex(aside + n, 16);
	if (mkdirat(p->parent, aside, 0777) < 0)
		return err_new(-errno, "make a directory beside %s", p->path);
	fd = openat(p->parent, aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strv_add(&names, id);
	r = fd < 0 ? err_new(-errno, "open %s", aside)
		   : image_save(b->st, &names, &how, fd, &quiet);
	if (r == 0) {
		r = file_swap(p->parent, aside, name);
		if (r < 0)
			r = err_new(r, "put %s in place", p->path);
	}
	if (rmtree(p->parent, aside) < 0)
		err_drop();
	return r;
}

static int export_to(struct builder *b, const struct cache_place *p)
{
	char id[65];
	int r, gone;

	if (p->kind == CACHE_INLINE)
		return 0;
	r = make_image(b, p, id);
	if (r < 0)
		return r;
	r = p->kind == CACHE_LOCAL ? to_directory(b, p, id) : to_registry(b, p, id);
	/* Its layers are those of steps: the lease keeps them, and after it their place in the cache. */
	if (r < 0) {
		AUTO_FREE char *trail = xstrdup(err_trail());

		(void)image_store_remove(b->st, id, IMAGE_REMOVE_DANGLING);
		err_drop();
		return err_set(r, trail);
	}
	gone = image_store_remove(b->st, id, IMAGE_REMOVE_DANGLING);
	if (gone == -CE_NO_IMAGE ||
	    gone == -CE_BAD_STATE) { /* another build that exports the same */
		err_drop();
		return 0;
	}
	return gone;
}

int cache_export(struct builder *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->o->cache_to.n; i++) {
		const struct cache_place *p = &b->cache_to[i];

		r = export_to(b, p);
		if (r < 0 && r != -CE_INTERRUPTED && p->ignore_error) {
			step_warn(b, "--cache-to %s: %s", p->spec, err_message(r));
			err_drop();
			r = 0;
		}
		if (r < 0)
			r = err_wrap(r, "--cache-to %s", p->spec);
	}
	return r;
}
