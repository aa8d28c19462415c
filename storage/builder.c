/* SPDX-License-Identifier: MIT */
#include "storage/builder.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/sys/lock.h"
#include "storage/named_record.h"

static const struct json_field fields[] = {
	FIELD_TEXT(struct builder_record, "Name", name, JSON_REQUIRED),
	FIELD_TEXT(struct builder_record, "Driver", driver, JSON_REQUIRED),
	FIELD_TEXT(struct builder_record, "Node", node, JSON_REQUIRED),
	FIELD_LIST(struct builder_record, "Platforms", platforms, 0),
	FIELD_I64(struct builder_record, "CreatedNs", created_ns, 0),
	FIELD_BOOL(struct builder_record, "Used", used, 0),
	FIELD_END,
};

static const struct named_kind kind = {
	.area = STORE_BUILDERS,
	.fields = fields,
	.size = sizeof(struct builder_record),
	.missing = -CE_NO_OBJECT,
	.what = "a builder",
	.noun = "builder",
};

void builder_record_done(struct builder_record *r)
{
	json_record_done(fields, r);
}

int builder_put(struct store *st, const struct builder_record *r, bool fresh)
{
	return named_record_put(st, &kind, r, fresh);
}

int builder_load(struct store *st, const char *name, struct builder_record *ret)
{
	if (strcmp(name, BUILDER_DEFAULT) != 0)
		return named_record_load(st, &kind, name, ret);
	*ret = (struct builder_record){.name = xstrdup(name),
				       .driver = xstrdup("docker"),
				       .node = xstrdup(name)};
	return 0;
}

int builder_remove(struct store *st, const char *name)
{
	return named_record_remove(st, &kind, name);
}

int builder_names(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = named_record_names(st, &kind, &names);

	strv_add(ret, BUILDER_DEFAULT);
	strv_add_all(ret, &names);
	return r;
}

int builder_use(struct store *st, const char *name)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int locks = store_fd(st, STORE_LOCKS);
	AUTO_CLOSE int lock = locks < 0 ? locks : lock_open(locks, "builders", LOCK_EXCLUSIVE);
	AUTO(builder_record_done) struct builder_record wanted = {0};
	int r = lock < 0 ? lock : builder_load(st, name, &wanted);

	if (r == 0)
		r = builder_names(st, &names);
	for (size_t i = 1; r == 0 && i < names.n; i++) {
		AUTO(builder_record_done) struct builder_record b = {0};
		bool used = strcmp(names.v[i], name) == 0;

		r = builder_load(st, names.v[i], &b);
		if (r == 0 && b.used != used) {
			b.used = used;
			r = builder_put(st, &b, false);
		}
	}
	return r;
}

int builder_used(struct store *st, char **ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = builder_names(st, &names);

	for (size_t i = 1; r == 0 && i < names.n; i++) {
		AUTO(builder_record_done) struct builder_record b = {0};

		r = builder_load(st, names.v[i], &b);
		if (r == 0 && b.used) {
			*ret = xstrdup(b.name);
			return 0;
		}
	}
	if (r == 0)
		*ret = xstrdup(BUILDER_DEFAULT);
	return r;
}
