/* SPDX-License-Identifier: MIT */
#include "pkg/image/list.h"

#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/image/filter.h"
#include "pkg/image/image.h"
#include "pkg/image/local_digest.h"
#include "pkg/json/json.h"

#define NONE "<none>"

/* One line: an image under one of its names, or under none. */
struct line {
	const struct image_entry *e;
	char *repository, *tag;
	const char *digest; /* part of e */
};

static void split_name(const char *name, char **ret_repository, char **ret_tag)
{
	const char *colon = strrchr(name, ':'), *at = strchr(name, '@');

	if (at) {
		*ret_repository = xstrndup(name, (size_t)(at - name));
		*ret_tag = xstrdup(NONE);
	} else if (colon && !strchr(colon, '/')) {
		*ret_repository = xstrndup(name, (size_t)(colon - name));
		*ret_tag = xstrdup(colon + 1);
	} else {
		*ret_repository = xstrdup(name);
		*ret_tag = xstrdup(NONE);
	}
}

/* Without a name, what it was pulled as at least tells the repository. */
static char *nameless_repository(const struct image_entry *e)
{
	const struct strv *d = &e->s.repo_digests;

	return d->n ? xstrndup(d->v[0], strcspn(d->v[0], "@")) : xstrdup(NONE);
}

static struct json_object *repo_tags(const struct image_entry *e)
{
	AUTO_STRV struct strv tags = STRV_INIT;

	image_tags_of(&e->s.names, &tags);
	return json_from_strv(&tags);
}

static void add_row_detail(struct json_object *o, const struct image_entry *e)
{
	char at[CLOCK_TEXT_MAX];

	clock_format_go(e->s.created_ns, at);
	json_add_str(o, "Id", e->s.id);
	json_set_str(o, "Created",
		     json_object_get_string(json_object_object_get(o, "CreatedSince")));
	json_add_str(o, "CreatedAt", at);
	json_add_str(o, "CreatedTime", at);
	json_set_i64(o, "Containers", e->containers);
	json_set_bool(o, "Dangling", image_is_dangling(e));
	json_set_bool(o, "IsDangling", image_is_dangling(e));
	json_set_bool(o, "IsReadOnly", e->read_only);
	json_set_bool(o, "IsManifestList", e->is_list);
	json_set(o, "Labels", json_from_map(&e->config.labels));
	json_set(o, "Names", json_from_strv(&e->s.names));
	json_set(o, "RepoTags", repo_tags(e));
	json_set(o, "RepoDigests", json_from_strv(&e->s.repo_digests));
	json_set_str(o, "ParentId", e->parent ? e->parent->s.id : "");
	json_set_str(o, "Arch", e->config.architecture ? e->config.architecture : "");
	json_set_str(o, "Os", e->config.os ? e->config.os : "");
	json_set_i64(o, "SharedSize", 0); /* these two as numbers, as podman has them */
	json_set_i64(o, "VirtualSize", (int64_t)e->s.size_bytes);
	json_set_size(o, "UniqueSize", e->s.size_bytes);
}

/* What tables show, and for templates all that they may ask for. */
static struct json_object *row_of(const struct line *l, const struct image_query *q)
{
	const struct image_entry *e = l->e;
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *ago = NULL, *id = NULL;
	char span[CLOCK_TEXT_MAX];

	id = q->no_trunc ? xasprintf("sha256:%s", e->s.id) : xstrndup(e->s.id, 12);
	clock_format_span(clock_now_ns() - e->s.created_ns, span);
	ago = xasprintf("%s ago", span);
	json_add_str(o, "Repository", l->repository);
	json_add_str(o, "Tag", l->tag);
	if (q->digests || q->detail)
		json_add_str(o, "Digest", l->digest ? l->digest : NONE);
	json_add_str(o, "ID", id);
	json_add_str(o, "CreatedSince", ago);
	json_set_size(o, "Size", e->s.size_bytes);
	json_set_bool(o, "ReadOnly", e->read_only);
	if (q->history || q->detail) {
		AUTO_FREE char *history = strv_join(&e->s.names, ", ");

		json_add_str(o, "History", history);
	}
	if (q->detail)
		add_row_detail(o, e);
	return o;
}

static struct json_object *json_of(const struct image_entry *e)
{
	struct json_object *o = json_object_new_object();
	char at[CLOCK_TEXT_MAX];

	clock_format_rfc3339(e->s.created_ns, at);
	json_set_str(o, "Id", e->s.id);
	json_set_str(o, "ParentId", e->parent ? e->parent->s.id : "");
	json_set(o, "RepoTags", repo_tags(e));
	json_set(o, "RepoDigests", json_from_strv(&e->s.repo_digests));
	json_set_i64(o, "Size", (int64_t)e->s.size_bytes);
	json_set_i64(o, "SharedSize", 0);
	json_set_i64(o, "VirtualSize", (int64_t)e->s.size_bytes);
	json_set(o, "Labels", json_from_map(&e->config.labels));
	json_set_i64(o, "Containers", e->containers);
	json_set_str(o, "Arch", e->config.architecture ? e->config.architecture : "");
	json_set_str(o, "Digest", e->s.manifest_digest ? e->s.manifest_digest : "");
	json_set_bool(o, "Dangling", image_is_dangling(e));
	json_set_bool(o, "IsManifestList", e->is_list);
	json_set(o, "History", json_from_strv(&e->s.names));
	json_set(o, "Names", json_from_strv(&e->s.names));
	json_set_str(o, "Os", e->config.os ? e->config.os : "");
	json_set_bool(o, "ReadOnly", e->read_only);
	json_set_i64(o, "Created", e->s.created_ns / NS_PER_S);
	json_set_str(o, "CreatedAt", at);
	return o;
}

/* ---- lines, in order ---- */

static int by_id(const struct line *a, const struct line *b)
{
	return strcmp(a->e->s.id, b->e->s.id);
}

static int by_repository(const struct line *a, const struct line *b)
{
	return strcmp(a->repository, b->repository);
}

static int by_tag(const struct line *a, const struct line *b)
{
	return strcmp(a->tag, b->tag);
}

static int by_size(const struct line *a, const struct line *b)
{
	return (a->e->s.size_bytes > b->e->s.size_bytes) -
	       (a->e->s.size_bytes < b->e->s.size_bytes);
}

static int newest_first(const struct line *a, const struct line *b)
{
	return (a->e->s.created_ns < b->e->s.created_ns) -
	       (a->e->s.created_ns > b->e->s.created_ns);
}

static const struct order {
	const char *key;
	int (*compare)(const struct line *a, const struct line *b);
} orders[] = {
	{"created", newest_first}, {"id", by_id},   {"repository", by_repository},
	{"size", by_size},         {"tag", by_tag},
};

static int compare_lines(const void *pa, const void *pb, void *arg)
{
	const struct order *order = arg;
	int c = order->compare(pa, pb);

	if (c == 0)
		c = by_repository(pa, pb);
	if (c == 0)
		c = by_tag(pa, pb);
	return c ? c : by_id(pa, pb);
}

static int find_order(const char *key, const struct order **ret)
{
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (strcmp(orders[i].key, key) != 0)
			continue;
		*ret = &orders[i];
		return 0;
	}
	return err_usage("--sort '%s': use one of created id repository size tag", key);
}

static void set_line(const struct image_entry *e, const char *name, struct line *out)
{
	const char *digest = strv_env_get(&e->digests, name);

	out->e = e;
	out->digest = digest ? digest : e->s.manifest_digest;
	split_name(name, &out->repository, &out->tag);
}

/* A repository it was pulled from by digest is a line of its own only where no tag tells of it. */
static bool repeats(const struct line *lines, size_t n, const char *name)
{
	size_t len = strcspn(name, "@");

	for (size_t i = 0; i < n; i++)
		if (strlen(lines[i].repository) == len &&
		    strncmp(lines[i].repository, name, len) == 0)
			return true;
	return false;
}

static size_t lines_of(const struct image_entry *e, bool once, struct line *out)
{
	size_t n = 0;

	for (size_t i = 0; i < e->shown.n; i++)
		if (!strchr(e->shown.v[i], '@') && !(once && n))
			set_line(e, e->shown.v[i], &out[n++]);
	for (size_t i = 0; i < e->shown.n; i++)
		if (strchr(e->shown.v[i], '@') && !(once && n) && !repeats(out, n, e->shown.v[i]))
			set_line(e, e->shown.v[i], &out[n++]);
	if (n)
		return n;
	out[0].e = e;
	out[0].digest = e->s.manifest_digest;
	out[0].repository = nameless_repository(e);
	out[0].tag = xstrdup(NONE);
	return 1;
}

static void emit(struct line *lines, size_t n, const struct image_query *q,
		 struct json_object **ret_rows, struct json_object **ret_json)
{
	*ret_rows = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		(void)json_object_array_add(*ret_rows, row_of(&lines[i], q));
	if (!q->detail)
		return;
	*ret_json = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		bool told = false;

		for (size_t k = 0; k < i && !told; k++)
			told = lines[k].e == lines[i].e;
		if (!told)
			(void)json_object_array_add(*ret_json, json_of(lines[i].e));
	}
}

static void lines_make(const struct image_query *q, const struct image_filters *f,
		       struct image_set *set, struct line **ret, size_t *ret_n)
{
	bool intermediate = q->all || image_filters_have(f, "intermediate");
	size_t n = 0, max = 0;

	for (size_t i = 0; i < set->n; i++)
		max += set->v[i].s.names.n + 1;
	*ret = xcalloc(max + 1, sizeof(**ret));
	for (size_t i = 0; i < set->n; i++) {
		struct image_entry *e = &set->v[i];
		bool hidden = !intermediate && e->s.names.n == 0 && e->has_children;

		if (!hidden && image_filters_match(f, e))
			n += lines_of(e, q->once, *ret + n);
	}
	*ret_n = n;
}

static void lines_free(struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(lines[i].repository);
		free(lines[i].tag);
	}
	free(lines);
}

/* Of images without a manifest; for those who look at it. */
static void add_local_digests(struct store *st, struct image_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct image_summary *s = &set->v[i].s;

		if (s->manifest_digest || set->v[i].is_list)
			continue;
		s->manifest_digest = local_digest(st, s->id, &s->diffids, s->manifest_type,
						  &s->annotations);
		if (s->manifest_digest)
			local_repo_digests(&s->names, s->manifest_digest, &s->repo_digests);
	}
}

int image_list(struct store *st, const struct image_query *q, struct json_object **ret_rows,
	       struct json_object **ret_json)
{
	const struct order *order = NULL;
	AUTO(image_filters_done) struct image_filters f = {0};
	AUTO(image_set_done) struct image_set set = {0};
	struct line *lines = NULL;
	size_t n = 0;
	int r = find_order(q->sort ? q->sort : "created", &order);

	if (r == 0)
		r = image_filters_parse(st, q->filters, &f);
	if (r < 0)
		return r;
	if (q->reference)
		image_filters_add_operand(st, q->reference, &f);
	r = image_set_load(st,
			   (q->detail ? IMAGE_SET_PARENTS | IMAGE_SET_CONTAINERS : 0) |
				   (q->all ? 0 : IMAGE_SET_CHILDREN) | f.needs | IMAGE_SET_LISTS,
			   &set);
	if (r == 0 && (q->detail || q->digests || image_filters_have(&f, "digest")))
		add_local_digests(st, &set);
	if (r == 0)
		lines_make(q, &f, &set, &lines, &n);
	if (r == 0 && n > 1)
		qsort_r(lines, n, sizeof(*lines), compare_lines, (void *)order);
	if (r == 0)
		emit(lines, n, q, ret_rows, ret_json);
	lines_free(lines, n);
	return r;
}

int image_select(struct store *st, const struct strv *filters, struct strv *ret_ids)
{
	AUTO(image_filters_done) struct image_filters f = {0};
	AUTO(image_set_done) struct image_set set = {0};
	int r = image_filters_parse(st, filters, &f);

	if (r == 0)
		r = image_set_load(st, f.needs, &set);
	for (size_t i = 0; r == 0 && i < set.n; i++)
		if (image_filters_match(&f, &set.v[i]))
			strv_add(ret_ids, set.v[i].s.id);
	return r;
}
