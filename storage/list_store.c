/* SPDX-License-Identifier: MIT */
#include "storage/list_store.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/fields.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "storage/image_store.h"
#include "storage/store_internal.h"

#define LIST_FILE_MAX (16UL << 20)

static const struct json_field fields[] = {
	FIELD_TEXT(struct list_record, "Name", name, JSON_REQUIRED),
	FIELD_HEX64(struct list_record, "ID", id, JSON_REQUIRED),
	FIELD_I64(struct list_record, "CreatedNs", created_ns, 0),
	FIELD_ANY(struct list_record, "Index", index, JSON_REQUIRED),
	FIELD_ANY(struct list_record, "Instances", instances, JSON_REQUIRED),
	FIELD_END,
};

void list_record_done(struct list_record *r)
{
	json_record_done(fields, r);
}

void list_record_artifacts(const struct list_record *r, struct strv *ret)
{
	json_object_object_foreach(r->instances, digest, where)
	{
		const char *manifest = NULL;

		(void)digest;
		if (!json_object_is_type(where, json_type_object))
			continue;
		if (json_get_str(where, "Manifest", &manifest) < 0)
			err_drop();
		else if (manifest)
			strv_add(ret, manifest);
	}
}

int list_store_lock(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "lists", LOCK_EXCLUSIVE);
}

int list_store_load_file(struct store *st, const char *file, struct list_record *ret)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *right = NULL;
	int dir = store_fd(st, STORE_LISTS);
	int r = dir < 0 ? dir : file_read_at(dir, file, LIST_FILE_MAX, &b);

	if (r == 0)
		r = json_record_read(b.s, b.len, fields, "a manifest list", &rec);
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
		r = json_record_read(b.s, b.len, fields, "a manifest list", &rec);
	if (r < 0)
		return err_wrap(r, "manifest list %s", reference);
	*ret = rec;
	rec = (struct list_record){0};
	return 0;
}

int list_store_put(struct store *st, const struct list_record *r, bool fresh)
{
	AUTO_FREE char *file = ref_escape(r->name);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, STORE_LISTS);

	if (dir < 0)
		return dir;
	json_record_write(fields, r, &b);
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
