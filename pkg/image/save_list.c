/* SPDX-License-Identifier: MIT */
/* Manifest lists into archives and layouts of OCI. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/save.h"
#include "pkg/json/json.h"
#include "pkg/oci/manifest.h"
#include "storage/event.h"
#include "storage/store.h"

/* Strings are the record's. */
static int entry_of(const struct list_record *rec, struct json_object *entry,
		    struct transfer_save_image *im)
{
	struct json_object *where = NULL;
	const char *source = NULL;
	int r = json_get_str(entry, "digest", &im->manifest);

	if (r == 0 && im->manifest)
		r = json_get_obj(rec->instances, im->manifest, &where);
	if (r == 0 && where)
		r = json_get_str(where, "Image", &im->id);
	if (r == 0 && where)
		r = json_get_str(where, "Manifest", &im->artifact);
	if (r == 0 && where)
		r = json_get_str(where, "Source", &source);
	if (r < 0 || im->id || im->artifact)
		return r;
	return source ? err_new(-CE_NO_IMAGE,
				"%.19s is only at %s: pull it before the list can be saved",
				im->manifest, source)
		      : err_new(-CE_CORRUPT, "%s has a damaged entry", rec->name);
}

static int take_entries(const struct list_record *rec, struct transfer_save *s)
{
	struct json_object *entries = NULL;
	int r = json_get_arr(rec->index, "manifests", &entries);
	size_t n = r == 0 && entries ? json_object_array_length(entries) : 0;

	if (r == 0 && !n)
		r = err_usage("%s is empty: there is nothing to save", rec->name);
	s->images = xcalloc(n + 1, sizeof(*s->images));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = entry_of(rec, json_object_array_get_idx(entries, i), &s->images[s->n_images++]);
	return r;
}

static char *text_of(struct json_object *o)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	json_write(o, false, &b);
	return sbuf_steal(&b);
}

int image_save_list(struct store *st, const char *list, const struct strv *names,
		    const struct strv *annotations, const struct save_options *o, int fd,
		    const struct transfer_handler *h)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO(transfer_save_done)
	struct transfer_save s = {.kind = o->kind, .form = o->form, .plain = o->plain};
	AUTO_JSON struct json_object *words = NULL;
	AUTO_FREE char *index = NULL, *text = NULL;
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	int r = list_find(st, list, &rec);

	if (r == 0)
		r = take_entries(&rec, &s);
	if (r < 0)
		return r;
	json_set_str(rec.index, "mediaType", MEDIA_OCI_INDEX);
	index = text_of(rec.index);
	if (annotations->n) {
		words = json_from_map(annotations);
		text = text_of(words);
	}
	s.index = index;
	s.index_annotations = text;
	s.form.format = "oci";
	s.index_names = xcalloc(names->n + 1, sizeof(*s.index_names));
	for (size_t i = 0; i < names->n; i++)
		s.index_names[s.n_index_names++] = names->v[i];
	transfer_save_put(&body, &s);
	r = transfer_run(st, TRANSFER_SAVE, &body, &fd, 1, h);
	if (r == 0 && o->told)
		event_named(store_runtime_fd(st), "image", o->told, rec.id,
			    o->told_name ? o->told_name : rec.name);
	return r;
}
