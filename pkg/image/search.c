/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/cli/filter.h"
#include "pkg/config/registries.h"
#include "pkg/image/login.h"
#include "pkg/image/transfer_client.h"
#include "pkg/json/json.h"
#include "pkg/oci/reference.h"

struct found {
	struct json_object *rows;
	const char *host;
	bool tags;
};

static void set_flag(struct json_object *row, const char *key, struct json_object *from,
		     const char *from_key)
{
	bool is = false;

	if (json_get_bool(from, from_key, &is) < 0)
		err_drop();
	json_set_str(row, key, is ? "[OK]" : "");
}

static void on_image(void *data, const char *reference, const char *id)
{
	struct found *f = data;
	struct json_object *row = json_object_new_object();
	AUTO_JSON struct json_object *known = NULL;
	const char *text = NULL;
	int64_t stars = 0;

	if (f->tags || json_parse(id, strlen(id), &known) < 0 ||
	    !json_object_is_type(known, json_type_object)) {
		err_drop();
		json_putp(&known);
		known = json_object_new_object();
	}
	if (json_get_str(known, "description", &text) < 0 ||
	    json_get_i64(known, "star_count", &stars) < 0)
		err_drop();
	json_set_str(row, "Index", f->host);
	json_set_str(row, "Name", reference ? reference : "");
	json_set_str(row, "Description", text ? text : "");
	json_set_i64(row, "Stars", stars);
	set_flag(row, "Official", known, "is_official");
	set_flag(row, "Automated", known, "is_automated");
	json_set_str(row, "Tag", f->tags ? id : "");
	(void)json_object_array_add(f->rows, row);
}

static int ask_one(const char *name, struct found *f, unsigned limit,
		   const struct transfer_access *access)
{
	struct transfer_search s = {
		.name = name, .tags = f->tags, .limit = limit, .access = *access};
	struct transfer_handler h = {.image = on_image, .data = f};
	AUTO_FREE char *host = xstrndup(name, strcspn(name, "/"));
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	int r;

	f->host = host;
	transfer_search_put(&body, &s);
	r = transfer_run(NULL, TRANSFER_SEARCH, &body, NULL, 0, &h);
	explicit_bzero(body.s, body.len);
	return r;
}

/* "host/" and "host/part" name a registry; anything else is looked for at those of registries.conf. */
static int names_of(const char *term, bool tags, struct strv *ret)
{
	AUTO(registries_done) struct registries conf = {0};
	AUTO(reference_done) struct reference ref = {0};
	size_t n = strlen(term);
	AUTO_FREE char *whole = xasprintf("%s%s", term, n && term[n - 1] == '/' ? "x" : "");
	int r = reference_parse(whole, &ref);

	if (r == 0 && (ref.tag || ref.digest))
		r = err_usage("search: '%s' has a tag or digest", term);
	if (r < 0)
		return r;
	if (ref.host) {
		if (tags)
			reference_normalise(&ref);
		strv_addf(ret, "%s/%s", ref.host, strcmp(whole, term) == 0 ? ref.path : "");
		return 0;
	}
	r = registries_load(&conf);
	if (r == 0 && tags)
		return registries_short(&conf, ref.path, ret);
	for (size_t i = 0; r == 0 && i < conf.search.n; i++)
		strv_addf(ret, "%s/%s", conf.search.v[i], term);
	if (r == 0 && !ret->n)
		strv_addf(ret, "docker.io/%s", term);
	return r;
}

int registry_find(const char *term, bool tags, unsigned limit, const struct transfer_access *access,
		  struct json_object **ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct found f = {.rows = json_object_new_array(), .tags = tags};
	int r = names_of(term, tags, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = ask_one(names.v[i], &f, limit, access);
	if (r < 0)
		json_putp(&f.rows);
	*ret = f.rows;
	return r < 0 ? err_wrap(r, "search %s", term) : 0;
}

int registry_filter_parse(const struct strv *filters, struct registry_filter *ret)
{
	*ret = (struct registry_filter){.official = -1, .automated = -1};
	for (size_t i = 0; i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);
		bool is = false;
		int r = -EINVAL;

		if (key && strcmp(key, "stars") == 0)
			r = parse_i64(value, 0, INT64_MAX, &ret->stars);
		else if (key &&
			 (strcmp(key, "is-official") == 0 || strcmp(key, "is-automated") == 0))
			r = parse_bool(value, &is);
		else
			return err_usage("--filter '%s': use is-official=, is-automated= or stars=",
					 filters->v[i]);
		if (r < 0)
			return err_usage("--filter '%s': write %s", filters->v[i],
					 *key == 's' ? "a number" : "true or false");
		if (strcmp(key, "is-official") == 0)
			ret->official = is;
		if (strcmp(key, "is-automated") == 0)
			ret->automated = is;
	}
	return 0;
}

static bool is_flag(struct json_object *row, const char *key, int want)
{
	const char *text = "";

	if (want < 0)
		return true;
	if (json_get_str(row, key, &text) < 0)
		err_drop();
	return (*text != '\0') == (want == 1);
}

void registry_filter_apply(const struct registry_filter *f, struct json_object *rows)
{
	for (size_t i = json_object_array_length(rows); i-- > 0;) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		int64_t stars = 0;

		if (json_get_i64(row, "Stars", &stars) < 0)
			err_drop();
		if (stars < f->stars || !is_flag(row, "Official", f->official) ||
		    !is_flag(row, "Automated", f->automated))
			(void)json_object_array_del_idx(rows, i, 1);
	}
}
