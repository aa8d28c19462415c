/* SPDX-License-Identifier: MIT */
#include "storage/list_store.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "storage/image_store.h"
#include "storage/store_internal.h"

#define LIST_FILE_MAX (16UL << 20)

void list_record_done(struct list_record *r)
{
	freep(&r->name);
	json_putp(&r->index);
	json_putp(&r->instances);
}

int list_store_lock(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "lists", LOCK_EXCLUSIVE);
}

static int record_parse(const char *text, size_t n, struct list_record *ret)
{
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *index = NULL, *instances = NULL;
	const char *name = NULL, *id = NULL;
	int r = json_parse(text, n, &o);

	if (r == 0)
		r = json_get_str(o, "Name", &name);
	if (r == 0)
		r = json_get_str(o, "ID", &id);
	if (r == 0)
		r = json_get_i64(o, "CreatedNs", &ret->created_ns);
	if (r == 0)
		r = json_get_obj(o, "Index", &index);
	if (r == 0)
		r = json_get_obj(o, "Instances", &instances);
	if (r == 0 &&
	    (!name || !id || strlen(id) != 64 || !hex_is_valid(id, 64) || !index || !instances))
		r = err_new(-CE_CORRUPT, "the record of a manifest list");
	if (r < 0)
		return r;
	ret->name = xstrdup(name);
	memcpy(ret->id, id, 65);
	ret->index = json_object_get(index);
	ret->instances = json_object_get(instances);
	return 0;
}

int list_store_load_file(struct store *st, const char *file, struct list_record *ret)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *right = NULL;
	int dir = store_fd(st, STORE_LISTS);
	int r = dir < 0 ? dir : file_read_at(dir, file, LIST_FILE_MAX, &b);

	if (r == 0)
		r = record_parse(b.s, b.len, &rec);
	if (r < 0)
		return r;
	right = ref_escape(rec.name);
	if (strcmp(right, file) != 0)
		return err_new(-CE_CORRUPT, "its record is that of %s", rec.name);
	*ret = rec;
	rec = (struct list_record){0};
	return 0;
}

int list_store_load(struct store *st, const char *reference, struct list_record *ret)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *file = ref_escape(reference);
	int dir = store_fd(st, STORE_LISTS), r;

	if (dir < 0)
		return dir;
	r = file_read_at(dir, file, LIST_FILE_MAX, &b);
	if (r == -ENOENT)
		return err_new(-CE_NO_LIST, "%s", reference);
	if (r == 0)
		r = record_parse(b.s, b.len, &rec);
	if (r < 0)
		return err_wrap(r, "manifest list %s", reference);
	*ret = rec;
	rec = (struct list_record){0};
	return 0;
}

int list_store_put(struct store *st, const struct list_record *r, bool fresh)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_FREE char *file = ref_escape(r->name);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, STORE_LISTS);

	if (dir < 0)
		return dir;
	json_set_str(o, "Name", r->name);
	json_set_str(o, "ID", r->id);
	json_set_i64(o, "CreatedNs", r->created_ns);
	json_set(o, "Index", json_object_get(r->index));
	json_set(o, "Instances", json_object_get(r->instances));
	json_write(o, false, &b);
	return fresh ? file_create(dir, file, b.s, b.len, 0600, FILE_SYNC)
		     : file_replace(dir, file, b.s, b.len, 0600, FILE_SYNC);
}

int list_store_remove(struct store *st, const char *reference)
{
	AUTO_FREE char *file = ref_escape(reference);
	int dir = store_fd(st, STORE_LISTS);

	if (dir < 0)
		return dir;
	if (unlinkat(dir, file, 0) == 0)
		return fsync(dir) < 0 ? err_new(-errno, "sync lists") : 0;
	return errno == ENOENT ? err_new(-CE_NO_LIST, "%s", reference)
			       : err_new(-errno, "remove %s", reference);
}

int list_store_names(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int dir = store_fd(st, STORE_LISTS);
	int r = dir < 0 ? dir : store_names(st, STORE_LISTS, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO(list_record_done) struct list_record rec = {0};

		/* A long name has no way back from its file's; a damaged list has no name. */
		if (list_store_load_file(st, files.v[i], &rec) < 0)
			err_drop();
		else
			strv_add(ret, rec.name);
	}
	if (r == 0)
		strv_sort(ret);
	return r;
}

int list_store_images(struct store *st, struct strv *ret_ids)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list_store_names(st, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(list_record_done) struct list_record rec = {0};

		if (list_store_load(st, names.v[i], &rec) < 0) {
			err_drop();
			continue;
		}
		json_object_object_foreach(rec.instances, digest, where)
		{
			const char *id = NULL;

			(void)digest;
			if (json_object_is_type(where, json_type_object) &&
			    json_get_str(where, "Image", &id) == 0 && id && !strv_has(ret_ids, id))
				strv_add(ret_ids, id);
		}
	}
	return r;
}
