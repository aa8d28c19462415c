/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/cli/filter.h"
#include "pkg/container/container.h"
#include "pkg/container/volumes.h"

void volume_use_done(struct volume_use *u)
{
	strv_done(&u->used);
	strv_done(&u->mounted);
}

int volume_use_load(struct store *st, struct volume_use *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct container c;

		r = container_look(st, ids.v[i], true, NULL, &c);
		if (r < 0) {
			r = err_forgive(r, -CE_NO_CONTAINER);
			continue;
		}
		for (unsigned k = 0; k < c.rec->n_mounts; k++) {
			if (c.rec->mounts[k].kind != MOUNT_VOLUME)
				continue;
			strv_add(&ret->used, c.rec->mounts[k].source);
			if (container_is_running(&c))
				strv_add(&ret->mounted, c.rec->mounts[k].source);
		}
		container_done(&c);
	}
	return r;
}

unsigned volume_count(const struct strv *names, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < names->n; i++)
		n += strcmp(names->v[i], name) == 0;
	return n;
}

static int64_t created_of(struct store *st, const char *name)
{
	AUTO(volume_record_done) struct volume_record v = {0};

	if (volume_load(st, name, &v) < 0)
		err_drop();
	return v.created_ns;
}

/* "since" and "after" name a volume; "until" a time. */
struct filtered {
	struct store *st;
	const struct volume_record *v;
	const struct volume_use *use;
};

static bool match_one(const void *arg, const char *key, const char *value)
{
	const struct filtered *x = arg;
	const struct volume_record *v = x->v;
	bool flag = false;
	int64_t at;

	if (strcmp(key, "name") == 0)
		return filter_name(v->name, value);
	if (strcmp(key, "label") == 0)
		return filter_label(&v->labels, value);
	if (strcmp(key, "label!") == 0)
		return !filter_label(&v->labels, value);
	if (strcmp(key, "driver") == 0 || strcmp(key, "scope") == 0)
		return strcmp(value, "local") == 0;
	if (strcmp(key, "opt") == 0)
		return filter_label(&v->options, value);
	if (strcmp(key, "dangling") == 0)
		return parse_bool(value, &flag) == 0 &&
		       flag == (volume_count(&x->use->used, v->name) == 0);
	if (strcmp(key, "anonymous") == 0)
		return parse_bool(value, &flag) == 0 && flag == v->anonymous;
	if (strcmp(key, "until") == 0)
		return filter_time(value, &at) == 0 && v->created_ns < at;
	return v->created_ns > created_of(x->st, value);
}

static int check_value(struct store *st, const char *filter, const char *key, const char *value)
{
	struct volume_record v = {0};
	bool flag;
	int64_t at;
	int r = 0;

	if ((strcmp(key, "dangling") == 0 || strcmp(key, "anonymous") == 0) &&
	    parse_bool(value, &flag) < 0)
		return err_usage("--filter '%s': say true or false", filter);
	if (strcmp(key, "until") == 0 && filter_time(value, &at) < 0)
		return err_usage("--filter '%s': write a time or a duration", filter);
	if (strcmp(key, "since") == 0 || strcmp(key, "after") == 0) {
		r = volume_load(st, value, &v);
		volume_record_done(&v);
	}
	return r < 0 ? err_wrap(r, "--filter '%s'", filter) : 0;
}

int volume_filters_check(struct store *st, const struct strv *filters)
{
	static const char *const keys[] = {"name",  "label", "label!",   "driver",
					   "scope", "opt",   "dangling", "anonymous",
					   "until", "since", "after"};

	for (size_t i = 0; filters && i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);
		int r;

		if (!key)
			return err_usage("--filter '%s': write key=value", filters->v[i]);
		if (!filter_one_of(key, keys, ARRAY_LEN(keys)))
			return err_usage("--filter '%s': unknown key; known are name label driver "
					 "scope opt dangling anonymous until since after",
					 filters->v[i]);
		r = check_value(st, filters->v[i], key, value);
		if (r < 0)
			return r;
	}
	return 0;
}

bool volume_filters_match(struct store *st, const struct strv *filters,
			  const struct volume_record *v, const struct volume_use *use)
{
	const struct filtered x = {.st = st, .v = v, .use = use};

	return filter_all(filters, match_one, &x);
}
