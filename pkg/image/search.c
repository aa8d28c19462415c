/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
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
