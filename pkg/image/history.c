/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/base/utf8.h"
#include "pkg/image/image.h"
#include "pkg/image/inspect.h"
#include "pkg/image/set.h"
#include "pkg/json/json.h"
#include "storage/layer.h"

#define NONE "<missing>"
#define BY_SHOWN 45 /* characters of a command in the table */

struct step {
	int64_t created_ns;
	const char *created_by, *comment;
	uint64_t size_bytes;
	const struct image_entry
		*image; /* that this step made, if it is here: the image itself, or a parent */
};

/* A layer's size is of use and no more: a record that cannot be read counts as nothing. */
static uint64_t layer_size(struct store *st, const char *diffid)
{
	struct layer_record rec = {0};
	uint64_t n;

	if (layer_record_load(st, diffid, &rec) < 0)
		err_drop();
	n = rec.tree_bytes;
	layer_record_done(&rec);
	return n;
}

/* Newest first. Layers that the history does not speak of are steps without words at its beginning. */
static struct step *steps_of(struct store *st, const struct image_record *rec,
			     const struct image_config *c, size_t *ret_n)
{
	struct step *v = xcalloc(c->n_history + rec->diffids.n + 1, sizeof(*v));
	size_t n = 0, layer = rec->diffids.n;

	for (size_t i = c->n_history; i > 0; i--) {
		struct step *s = &v[n++];

		s->created_ns = c->history[i - 1].created_ns;
		s->created_by = c->history[i - 1].created_by;
		s->comment = c->history[i - 1].comment;
		if (!c->history[i - 1].empty_layer && layer > 0)
			s->size_bytes = layer_size(st, rec->diffids.v[--layer]);
	}
	while (layer > 0) {
		v[n].created_ns = rec->created_ns;
		v[n++].size_bytes = layer_size(st, rec->diffids.v[--layer]);
	}
	*ret_n = n;
	return v;
}

static char *shorten(const char *s)
{
	size_t at = 0, n = strlen(s);
	uint32_t cp;

	for (size_t shown = 0; shown < BY_SHOWN - 3 && at < n; shown++) {
		unsigned len = utf8_decode(s + at, n - at, &cp);

		at += len ? len : 1;
	}
	return n > at + 3 ? xasprintf("%.*s...", (int)at, s) : xstrdup(s);
}

/* RFC 3339 without the fraction. */
static void format_seconds(int64_t ns, char out[CLOCK_TEXT_MAX])
{
	char at[CLOCK_TEXT_MAX];

	clock_format_utc(ns, at);
	(void)snprintf(out, CLOCK_TEXT_MAX, "%.19sZ", at);
}

static struct json_object *row_of(const struct step *s, bool human, bool no_trunc)
{
	struct json_object *o = json_object_new_object();
	char span[CLOCK_TEXT_MAX], at[CLOCK_TEXT_MAX], seconds[CLOCK_TEXT_MAX], size[SIZE_TEXT_MAX];
	const char *by = s->created_by ? s->created_by : "";
	AUTO_FREE char *command = no_trunc ? xstrdup(by) : shorten(by);
	AUTO_FREE char *id = xstrndup(s->image ? s->image->s.id : NONE, no_trunc ? 64 : 12);
	AUTO_FREE char *ago = NULL;

	clock_format_go(s->created_ns, at);
	format_seconds(s->created_ns, seconds);
	clock_format_span(clock_now_ns() - s->created_ns, span);
	ago = xasprintf("%s ago", span);
	if (human)
		size_format(s->size_bytes, size);
	else
		(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)s->size_bytes);
	json_set_str(o, "ID", id);
	json_set_str(o, "Created", human ? ago : seconds);
	json_set_str(o, "CreatedSince", ago);
	json_set_str(o, "CreatedAt", at);
	json_set_str(o, "CreatedBy", command);
	json_set_str(o, "Size", size);
	json_set_str(o, "Comment", s->comment ? s->comment : "");
	json_set(o, "Tags",
		 s->image ? json_from_strv(&s->image->s.names) : json_object_new_array());
	return o;
}

static struct json_object *json_of(const struct step *s)
{
	struct json_object *o = json_object_new_object();
	char at[CLOCK_TEXT_MAX], seconds[CLOCK_TEXT_MAX];

	clock_format_rfc3339(s->created_ns, at);
	format_seconds(s->created_ns, seconds);
	json_set_str(o, "id", s->image ? s->image->s.id : NONE);
	json_set_str(o, "created", at);
	json_set_str(o, "Created", seconds);
	json_set_str(o, "CreatedBy", s->created_by ? s->created_by : "");
	json_set_i64(o, "size", (int64_t)s->size_bytes);
	if (s->comment && *s->comment)
		json_set_str(o, "comment", s->comment);
	if (s->image && s->image->s.names.n)
		json_set(o, "tags", json_from_strv(&s->image->s.names));
	return o;
}

/* The step that made an image is the last of its history; a parent's is where that ends. */
static void name_steps(const struct image_set *set, const char *id, size_t n_history,
		       struct step *v, size_t n)
{
	const struct image_entry *e = NULL;

	for (size_t i = 0; i < set->n && !e; i++)
		if (strcmp(set->v[i].s.id, id) == 0)
			e = &set->v[i];
	if (e && n)
		v[0].image = e;
	for (e = e ? e->parent : NULL; e; e = e->parent)
		if (n_history - e->config.n_history < n)
			v[n_history - e->config.n_history].image = e;
}

int image_history(struct store *st, const char *name, bool human, bool no_trunc,
		  struct json_object **ret_rows, struct json_object **ret_json)
{
	AUTO(image_set_done) struct image_set set = {0};
	struct image_record *rec = NULL;
	struct image_config c = {0};
	struct step *v = NULL;
	size_t n = 0;
	int r = image_find(st, name, &rec, NULL);

	if (r == 0)
		r = image_config_parse(rec->config, rec->config_len, &c);
	if (r == 0)
		r = image_set_load(st, IMAGE_SET_PARENTS, &set);
	if (r == 0) {
		v = steps_of(st, rec, &c, &n);
		name_steps(&set, rec->id, c.n_history, v, n);
		*ret_rows = json_object_new_array();
		*ret_json = json_object_new_array();
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		(void)json_object_array_add(*ret_rows, row_of(&v[i], human, no_trunc));
		(void)json_object_array_add(*ret_json, json_of(&v[i]));
	}
	free(v);
	image_config_done(&c);
	image_record_free(rec);
	return r;
}
