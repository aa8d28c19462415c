/* SPDX-License-Identifier: MIT */
#include "pkg/container/volumes.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"
#include "storage/event.h"

int volume_resolve(struct store *st, const char *name, char **ret)
{
	AUTO(volume_record_done) struct volume_record v = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	const char *found = NULL;
	int r = volume_load(st, name, &v);

	if (r == 0)
		*ret = xstrdup(name);
	if (r != -CE_NO_VOLUME)
		return r;
	err_drop();
	r = volume_list(st, &names);
	for (size_t i = 0; r == 0 && *name && i < names.n; i++) {
		if (strncmp(names.v[i], name, strlen(name)) != 0)
			continue;
		if (found)
			return err_new(-CE_AMBIGUOUS, "%s: more than one volume begins like this",
				       name);
		found = names.v[i];
	}
	if (r == 0 && !found)
		return err_new(-CE_NO_VOLUME, "%s", name);
	if (r == 0)
		*ret = xstrdup(found);
	return r;
}

static struct json_object *describe(struct store *st, const struct volume_record *v,
				    const struct volume_use *use)
{
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *path = volume_data_path(st, v->name);

	json_set_str(o, "Name", v->name);
	json_set_str(o, "Driver", "local");
	json_set_str(o, "Mountpoint", path);
	json_set_time(o, "CreatedAt", v->created_ns);
	json_set(o, "Labels", json_from_map(&v->labels));
	json_set_str(o, "Scope", "local");
	json_set(o, "Options", json_from_map(&v->options));
	json_set_i64(o, "UID", v->uid >= 0 ? v->uid : 0);
	json_set_i64(o, "GID", v->gid >= 0 ? v->gid : 0);
	json_set(o, "Status", json_object_new_object());
	json_set_str(o, "StorageID", "");
	json_set_i64(o, "LockNumber", 0);
	json_set_i64(o, "Timeout", 0);
	json_set_i64(o, "MountCount", volume_count(&use->mounted, v->name));
	json_set_bool(o, "Anonymous", v->anonymous);
	json_set_bool(o, "NeedsCopyUp", v->needs_copy_up);
	json_set_bool(o, "NeedsChown", v->needs_chown);
	return o;
}

int volume_inspect(struct store *st, const char *name, struct json_object **ret)
{
	AUTO(volume_record_done) struct volume_record v = {0};
	AUTO(volume_use_done) struct volume_use use = {0};
	AUTO_FREE char *full = NULL;
	int r = volume_resolve(st, name, &full);

	if (r == 0)
		r = volume_load(st, full, &v);
	if (r == 0)
		r = volume_use_load(st, &use);
	if (r == 0)
		*ret = describe(st, &v, &use);
	return r;
}

struct user_search {
	const char *volume;
	struct strv *ret;
};

static int add_user(const struct container *c, void *arg)
{
	const struct user_search *s = arg;

	if (record_has_volume(c->rec, s->volume))
		strv_add(s->ret, c->rec->name);
	return 0;
}

int volume_users(struct store *st, const char *name, struct strv *ret)
{
	struct user_search s = {.volume = name, .ret = ret};

	return container_each(st, add_user, &s);
}

/* Before and after: an event is not lost with whoever makes it. */
int volume_create_told(struct store *st, const struct volume_record *v)
{
	struct event_pending event;
	int dir = store_runtime_fd(st), r;

	event_begin_named(dir, "volume", "create", NULL, v->name, &event);
	r = volume_create(st, v);
	if (r == 0)
		event_named(dir, "volume", "create", NULL, v->name);
	event_over(dir, &event);
	return r;
}

int volume_remove_told(struct store *st, const char *name)
{
	struct event_pending event;
	int dir = store_runtime_fd(st), r;

	event_begin_named(dir, "volume", "remove", NULL, name, &event);
	r = volume_remove(st, name);
	if (r == 0)
		event_named(dir, "volume", "remove", NULL, name);
	event_over(dir, &event);
	return r;
}

int volume_drop(struct store *st, const char *name)
{
	/* A container that is being made holds it shared from the look at its volumes to its record. */
	AUTO_CLOSE int lock = store_lock(st, true);
	AUTO_STRV struct strv users = STRV_INIT;
	int r = lock < 0 ? lock : volume_users(st, name, &users);

	if (r == 0 && users.n) {
		AUTO_FREE char *list = strv_join(&users, ", ");

		return err_new(-CE_IN_USE, "used by %s", list);
	}
	return r == 0 ? volume_remove_told(st, name) : r;
}

/* Calls @fn for each that matches, in the order of names; those that go meanwhile are passed over. */
static int each_match(struct store *st, const struct strv *filters,
		      void (*fn)(struct store *st, const struct volume_record *v,
				 const struct volume_use *use, void *data),
		      void *data)
{
	AUTO(volume_use_done) struct volume_use use = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	int r = volume_filters_check(st, filters);

	if (r == 0)
		r = volume_list(st, &names);
	if (r == 0)
		r = volume_use_load(st, &use);
	strv_sort(&names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct volume_record v = {0};

		r = volume_load(st, names.v[i], &v);
		if (r == 0 && volume_filters_match(st, filters, &v, &use))
			fn(st, &v, &use, data);
		volume_record_done(&v);
		r = err_forgive(r, -CE_NO_VOLUME);
	}
	return r;
}

static void add_row(struct store *st, const struct volume_record *v, const struct volume_use *use,
		    void *data)
{
	(void)json_object_array_add(data, describe(st, v, use));
}

int volume_rows(struct store *st, const struct strv *filters, struct json_object **ret)
{
	struct json_object *a = json_object_new_array();
	int r = each_match(st, filters, add_row, a);

	if (r < 0)
		json_object_put(a);
	else
		*ret = a;
	return r;
}

struct unused {
	bool all;
	struct strv *names;
};

static void add_unused(struct store *st, const struct volume_record *v,
		       const struct volume_use *use, void *data)
{
	const struct unused *u = data;

	(void)st;
	if (volume_count(&use->used, v->name) == 0 && (u->all || v->anonymous))
		strv_add(u->names, v->name);
}

int volume_unused(struct store *st, bool all, const struct strv *filters, struct strv *ret)
{
	struct unused u = {all, ret};

	return each_match(st, filters, add_unused, &u);
}
