/* SPDX-License-Identifier: MIT */
#include "storage/list_store.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/sys/lock.h"
#include "storage/named_record.h"

static const struct json_field fields[] = {
	FIELD_TEXT(struct list_record, "Name", name, JSON_REQUIRED),
	FIELD_HEX64(struct list_record, "ID", id, JSON_REQUIRED),
	FIELD_I64(struct list_record, "CreatedNs", created_ns, 0),
	FIELD_ANY(struct list_record, "Index", index, JSON_REQUIRED),
	FIELD_TEXT(struct list_record, "Raw", raw, 0),
	FIELD_ANY(struct list_record, "Instances", instances, JSON_REQUIRED),
	FIELD_END,
};

static const struct named_kind kind = {
	.area = STORE_LISTS,
	.fields = fields,
	.size = sizeof(struct list_record),
	.missing = -CE_NO_LIST,
	.what = "a manifest list",
	.noun = "manifest list",
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
	return named_record_load_file(st, &kind, file, ret);
}

int list_store_load(struct store *st, const char *reference, struct list_record *ret)
{
	return named_record_load(st, &kind, reference, ret);
}

int list_store_put(struct store *st, const struct list_record *r, bool fresh)
{
	struct list_record rec = *r;

	if (!fresh)
		rec.raw = NULL;
	return named_record_put(st, &kind, &rec, fresh);
}

int list_store_remove(struct store *st, const char *reference)
{
	return named_record_remove(st, &kind, reference);
}

int list_store_names(struct store *st, struct strv *ret)
{
	return named_record_names(st, &kind, ret);
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
