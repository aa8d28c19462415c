/* SPDX-License-Identifier: MIT */
#include "pkg/container/secrets.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cli/filter.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"
#include "pkg/sys/random.h"
#include "storage/event.h"

int secret_make(struct store *st, const struct secret_request *q, const void *data, size_t n,
		char **ret_id)
{
	AUTO(secret_record_done) struct secret_record r = {0};
	char id[SECRET_ID_DIGITS + 1];
	struct event_pending event;
	int rc, dir = store_runtime_fd(st);

	if (!name_is_valid(q->name))
		return err_usage("secret create '%s': names match [A-Za-z0-9][A-Za-z0-9_.-]*, at "
				 "most 128 characters",
				 q->name);
	if (n == 0 || n >= SECRET_MAX)
		return err_usage("secret create %s: a secret has from 1 to %u bytes, not %zu",
				 q->name, SECRET_MAX - 1, n);
	for (size_t i = 0; i < q->labels.n; i++) {
		const char *l = q->labels.v[i];

		if (*l == '=' || !*l)
			return err_usage("--label '%s': the name before '=' is empty", l);
		if (strchr(l, '='))
			strv_env_set(&r.labels, l);
		else
			strv_addf(&r.labels, "%s=", l);
	}
	random_hex(id, SECRET_ID_DIGITS);
	r.name = xstrdup(q->name);
	r.id = xstrdup(id);
	r.created_ns = r.updated_ns = clock_now_ns();
	event_begin_named(dir, "secret", "create", r.id, r.name, &event);
	rc = secret_put(st, &r, data, n, q->replace);
	if (rc == 0)
		event_named(dir, "secret", "create", r.id, r.name);
	event_over(dir, &event);
	if (rc == -EEXIST && q->ignore) {
		secret_record_done(&r);
		rc = secret_load(st, q->name, &r);
	} else if (rc == -EEXIST) {
		return err_new(-CE_NAME_IN_USE, "secret create %s", q->name);
	}
	if (rc == 0)
		*ret_id = TAKE_PTR(r.id);
	return rc;
}

int secret_drop(struct store *st, const char *name)
{
	AUTO(secret_record_done) struct secret_record r = {0};
	int rc = secret_load(st, name, &r), dir = store_runtime_fd(st);
	struct event_pending event;

	if (rc < 0)
		return rc;
	event_begin_named(dir, "secret", "remove", r.id, r.name, &event);
	rc = secret_remove(st, name);
	if (rc == 0)
		event_named(dir, "secret", "remove", r.id, r.name);
	event_over(dir, &event);
	return rc;
}

int secret_find(struct store *st, const char *name, struct secret_record *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO(secret_record_done) struct secret_record hit = {0};
	int r = secret_load(st, name, ret);

	if (r != -CE_NO_SECRET)
		return r;
	err_drop();
	r = secret_list(st, &names);
	for (size_t i = 0; r == 0 && *name && i < names.n; i++) {
		struct secret_record one = {0};

		r = secret_load(st, names.v[i], &one);
		if (r < 0 || strncmp(one.id, name, strlen(name)) != 0) {
			secret_record_done(&one);
			r = err_forgive(r, -CE_NO_SECRET);
			continue;
		}
		if (hit.id)
			r = err_new(-CE_AMBIGUOUS, "%s: more than one secret's id begins like this",
				    name);
		secret_record_done(&hit);
		hit = one;
	}
	if (r == 0 && !hit.id)
		return err_new(-CE_NO_SECRET, "%s", name);
	if (r < 0)
		return r;
	*ret = hit;
	hit = (struct secret_record){0};
	return 0;
}

static int add_value(struct store *st, const struct secret_record *r, struct json_object *o)
{
	struct sbuf data = SBUF_INIT;
	int rc = secret_read(st, r, &data);

	if (rc == 0)
		json_set(o, "SecretData", json_object_new_string_len(data.s, (int)data.len));
	secret_wipe(&data);
	return rc;
}

int secret_inspect(struct store *st, const char *name, bool show, struct json_object **ret)
{
	AUTO(secret_record_done) struct secret_record r = {0};
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *spec, *driver, *options;
	int rc = secret_find(st, name, &r);

	if (rc < 0)
		return rc;
	o = json_object_new_object();
	spec = json_object_new_object();
	driver = json_object_new_object();
	options = json_object_new_object();
	json_set_str(o, "ID", r.id);
	json_set_time(o, "CreatedAt", r.created_ns);
	json_set_time(o, "UpdatedAt", r.updated_ns);
	json_set_str(spec, "Name", r.name);
	json_set_str(driver, "Name", "file");
	json_set(driver, "Options", options);
	json_set(spec, "Driver", driver);
	json_set(spec, "Labels", json_from_map(&r.labels));
	json_set(o, "Spec", spec);
	if (show)
		rc = add_value(st, &r, o);
	if (rc == 0)
		*ret = TAKE_PTR(o);
	return rc;
}

static int check_filters(const struct strv *filters)
{
	for (size_t i = 0; i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);

		if (!key)
			return err_usage("--filter '%s': write key=value", filters->v[i]);
		if (strcmp(key, "name") != 0 && strcmp(key, "id") != 0 && strcmp(key, "label") != 0)
			return err_usage("--filter '%s': unknown key; known are name id label",
					 filters->v[i]);
	}
	return 0;
}

/* Names are as good as each other, and so are ids; labels must all be there. */
static bool matches(const struct secret_record *r, const struct strv *filters)
{
	bool asked[2] = {false, false}, hit[2] = {false, false};

	for (size_t i = 0; i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);
		int k = strcmp(key, "id") == 0;

		if (strcmp(key, "label") == 0) {
			if (!filter_label(&r->labels, value))
				return false;
			continue;
		}
		asked[k] = true;
		hit[k] = hit[k] || (k ? strncmp(r->id, value, strlen(value)) == 0
				      : filter_name(r->name, value));
	}
	return (!asked[0] || hit[0]) && (!asked[1] || hit[1]);
}

static struct json_object *row_of(const struct secret_record *r)
{
	struct json_object *o = json_object_new_object();
	char created[CLOCK_TEXT_MAX], updated[CLOCK_TEXT_MAX];
	AUTO_FREE char *c = NULL, *u = NULL;

	clock_format_span(clock_now_ns() - r->created_ns, created);
	clock_format_span(clock_now_ns() - r->updated_ns, updated);
	c = xasprintf("%s ago", created);
	u = xasprintf("%s ago", updated);
	json_set_str(o, "ID", r->id);
	json_set_str(o, "Name", r->name);
	json_set_str(o, "Driver", "file");
	json_set_str(o, "CreatedAt", c);
	json_set_str(o, "UpdatedAt", u);
	json_set(o, "Labels", json_from_map(&r->labels));
	return o;
}

int secret_rows(struct store *st, const struct strv *filters, struct json_object **ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_JSON struct json_object *a = json_object_new_array();
	int r = check_filters(filters);

	if (r == 0)
		r = secret_list(st, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(secret_record_done) struct secret_record one = {0};

		r = secret_load(st, names.v[i], &one);
		if (r == 0 && matches(&one, filters))
			(void)json_object_array_add(a, row_of(&one));
		r = err_forgive(r, -CE_NO_SECRET);
	}
	if (r == 0)
		*ret = TAKE_PTR(a);
	return r;
}
