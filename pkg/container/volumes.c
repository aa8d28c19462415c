/* SPDX-License-Identifier: MIT */
#include "pkg/container/volumes.h"

#include <string.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/json/json.h"

int volume_inspect(struct store *st, const char *name, struct json_object **ret)
{
	struct volume_record v = {0};
	struct json_object *o;
	char text[CLOCK_TEXT_MAX];
	AUTO_FREE char *path = NULL;
	int r = volume_load(st, name, &v);

	if (r < 0)
		return r;
	o = json_object_new_object();
	path = volume_data_path(st, name);
	clock_format_utc(v.created_ns, text);
	json_set_str(o, "Name", v.name);
	json_set_str(o, "Driver", "local");
	json_set_str(o, "Mountpoint", path);
	json_set_str(o, "CreatedAt", text);
	json_set(o, "Labels", json_from_map(&v.labels));
	json_set_str(o, "Scope", "local");
	json_set(o, "Options", json_object_new_object());
	json_set_i64(o, "MountCount", 0);
	json_set_bool(o, "Anonymous", v.anonymous);
	json_set_bool(o, "NeedsCopyUp", v.needs_copy_up);
	json_set_bool(o, "NeedsChown", false);
	volume_record_done(&v);
	*ret = o;
	return 0;
}

int volume_users(struct store *st, const char *name, struct strv *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct container c;

		r = container_open_id(st, ids.v[i], &c);
		if (r == -CE_NO_CONTAINER) {
			err_drop();
			r = 0;
			continue;
		}
		if (r < 0)
			break;
		for (unsigned k = 0; k < c.rec->n_mounts; k++)
			if (c.rec->mounts[k].kind == MOUNT_VOLUME &&
			    strcmp(c.rec->mounts[k].source, name) == 0)
				strv_add(ret, c.rec->name);
		container_done(&c);
	}
	return r;
}

int volume_rows(struct store *st, struct json_object **ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct json_object *a;
	int r = volume_list(st, &names);

	if (r < 0)
		return r;
	strv_sort(&names);
	a = json_object_new_array();
	for (size_t i = 0; i < names.n; i++) {
		struct json_object *o = NULL;

		r = volume_inspect(st, names.v[i], &o);
		if (r == 0)
			(void)json_object_array_add(a, o);
		else if (r == -CE_NO_VOLUME)
			err_drop();
		else
			break;
	}
	if (r < 0 && r != -CE_NO_VOLUME) {
		json_object_put(a);
		return r;
	}
	*ret = a;
	return 0;
}
