/* SPDX-License-Identifier: MIT */
#include "pkg/image/filter.h"

#include <fnmatch.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/cli/filter.h"
#include "pkg/image/image.h"

#define REFERENCE "reference"
#define OPERAND "" /* no key that could be typed */

enum value_kind { TEXT, FLAG, TIME, IMAGE, NAME };

static const struct {
	const char *key;
	enum value_kind kind;
	unsigned needs;
} keys[] = {
	{"after", IMAGE, 0},
	{"before", IMAGE, 0},
	{"containers", FLAG, IMAGE_SET_CONTAINERS},
	{"dangling", FLAG, IMAGE_SET_PARENTS},
	{"digest", TEXT, 0},
	{"id", TEXT, 0},
	{"intermediate", FLAG, IMAGE_SET_PARENTS},
	{"label", TEXT, IMAGE_SET_CONFIG},
	{"label!", TEXT, IMAGE_SET_CONFIG},
	{"manifest", FLAG, 0},
	{"readonly", FLAG, 0},
	{REFERENCE, NAME, 0},
	{"since", IMAGE, 0},
	{"until", TIME, 0},
};

void image_filters_done(struct image_filters *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].key);
		free(f->v[i].value);
	}
	free(f->v);
	memset(f, 0, sizeof(*f));
}

static struct image_filter *new_filter(struct image_filters *f, const char *key, const char *value)
{
	struct image_filter *one;

	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	one = &f->v[f->n++];
	memset(one, 0, sizeof(*one));
	one->key = xstrdup(key);
	one->value = xstrdup(value);
	return one;
}

static void add_pattern(struct store *st, const char *key, const char *pattern,
			struct image_filters *f)
{
	struct image_filter *one = new_filter(f, key, pattern);
	struct image_record *rec = NULL;

	if (image_find(st, pattern, &rec, NULL) == 0)
		memcpy(one->id, rec->id, sizeof(one->id));
	else
		err_drop(); /* a pattern need not be a name */
	image_record_free(rec);
}

void image_filters_add_operand(struct store *st, const char *pattern, struct image_filters *f)
{
	add_pattern(st, OPERAND, pattern, f);
}

static int parse_value(struct store *st, struct image_filters *f, enum value_kind kind,
		       const char *key, const char *value)
{
	struct image_record *rec = NULL;
	struct image_filter *one;
	int r = 0;

	if (kind == NAME) {
		add_pattern(st, key, value, f);
		return 0;
	}
	one = new_filter(f, key, value);
	switch (kind) {
	case FLAG:
		if (parse_bool(value, &one->flag) < 0)
			return err_usage("--filter '%s=%s': write true or false", key, value);
		return 0;
	case TIME:
		if (filter_time(value, &one->at) < 0)
			return err_usage("--filter '%s=%s': write a time or a duration", key,
					 value);
		return 0;
	case IMAGE:
		r = image_find(st, value, &rec, NULL);
		if (r < 0)
			return err_wrap(r, "--filter '%s=%s'", key, value);
		one->at = rec->created_ns;
		image_record_free(rec);
		return 0;
	default:
		return 0;
	}
}

static int parse_one(struct store *st, const char *text, struct image_filters *ret)
{
	const char *value = NULL;
	AUTO_FREE char *key = filter_split(text, &value);

	if (!key)
		return err_usage("--filter '%s': write key=value", text);
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		if (strcmp(keys[k].key, key) != 0)
			continue;
		ret->needs |= keys[k].needs;
		return parse_value(st, ret, keys[k].kind, key, value);
	}
	return err_usage("--filter '%s': unknown key; known are after before containers dangling "
			 "digest id intermediate label manifest readonly reference since until",
			 text);
}

int image_filters_parse(struct store *st, const struct strv *filters, struct image_filters *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && filters && i < filters->n; i++)
		r = parse_one(st, filters->v[i], ret);
	return r;
}

/*
 * What of "host/path/base:tag" a pattern may mean: all of it, without the host, the last part;
 * each of them with and without the tag.
 */
bool image_name_matches(const char *reference, const char *pattern)
{
	const char *slash = strchr(reference, '/'), *last = strrchr(reference, '/');
	const char *starts[] = {reference, slash ? slash + 1 : reference,
				last ? last + 1 : reference};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		AUTO_FREE char *name = xstrdup(starts[i]);
		char *colon;

		if (fnmatch(pattern, name, FNM_PATHNAME) == 0)
			return true;
		colon = strrchr(name, ':');
		if (strchr(name, '@'))
			*strchr(name, '@') = '\0';
		else if (colon && !strchr(colon, '/'))
			*colon = '\0';
		if (fnmatch(pattern, name, FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

bool image_is_dangling(const struct image_entry *e)
{
	return e->s.names.n == 0 && !e->has_children;
}

static bool is_intermediate(const struct image_entry *e)
{
	return e->s.names.n == 0 && e->has_children;
}

static bool has_digest(const struct image_summary *s, const char *want)
{
	size_t n = strlen(want);

	if (s->manifest_digest && strncmp(s->manifest_digest, want, n) == 0)
		return true;
	for (size_t i = 0; i < s->repo_digests.n; i++) {
		const char *at = strchr(s->repo_digests.v[i], '@');

		if (at && strncmp(at + 1, want, n) == 0)
			return true;
	}
	return false;
}

static bool match(const struct image_filter *f, const struct image_entry *e)
{
	const char *id = strncmp(f->value, "sha256:", 7) == 0 ? f->value + 7 : f->value;

	if (strcmp(f->key, "after") == 0 || strcmp(f->key, "since") == 0)
		return e->s.created_ns > f->at;
	if (strcmp(f->key, "before") == 0 || strcmp(f->key, "until") == 0)
		return e->s.created_ns < f->at;
	if (strcmp(f->key, "containers") == 0)
		return f->flag == (e->containers > 0);
	if (strcmp(f->key, "dangling") == 0)
		return f->flag == image_is_dangling(e);
	if (strcmp(f->key, "digest") == 0)
		return has_digest(&e->s, f->value);
	if (strcmp(f->key, "id") == 0)
		return strncmp(e->s.id, id, strlen(id)) == 0;
	if (strcmp(f->key, "intermediate") == 0)
		return f->flag == is_intermediate(e);
	if (strcmp(f->key, "label") == 0)
		return filter_label(&e->config.labels, f->value);
	if (strcmp(f->key, "label!") == 0)
		return !filter_label(&e->config.labels, f->value);
	if (strcmp(f->key, "manifest") == 0)
		return f->flag == e->is_list;
	return f->flag == e->read_only; /* readonly */
}

/* Of the names in @names, what any filter of this key asks for; all when none of them is there. */
static bool keep_names(const struct image_filters *f, const char *key, const char *id,
		       struct strv *names)
{
	AUTO_STRV struct strv kept = STRV_INIT;
	bool asked = false, hit = false;

	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->v[i].key, key) != 0)
			continue;
		asked = true;
		for (size_t k = 0; k < names->n; k++)
			if (image_name_matches(names->v[k], f->v[i].value) &&
			    !strv_has(&kept, names->v[k]))
				strv_add(&kept, names->v[k]);
		/* By id or digest, or by a name that is short for one of its own. */
		hit = hit || strcmp(f->v[i].id, id) == 0;
	}
	if (!asked || (hit && kept.n == 0))
		return true;
	strv_done(names);
	strv_add_all(names, &kept);
	return names->n > 0;
}

static bool is_name_key(const char *key)
{
	return strcmp(key, OPERAND) == 0 || strcmp(key, REFERENCE) == 0;
}

bool image_filters_match(const struct image_filters *f, struct image_entry *e)
{
	for (size_t i = 0; i < f->n; i++) {
		bool hit;

		if (is_name_key(f->v[i].key))
			continue;
		hit = match(&f->v[i], e);
		if (!hit && strncmp(f->v[i].key, "label", 5) == 0)
			return false;
		/* Another value of the same key may match instead. */
		for (size_t k = 0; !hit && k < f->n; k++)
			hit = strcmp(f->v[k].key, f->v[i].key) == 0 && match(&f->v[k], e);
		if (!hit)
			return false;
	}
	strv_done(&e->shown);
	strv_add_all(&e->shown, &e->s.names);
	return keep_names(f, OPERAND, e->s.id, &e->shown) &&
	       keep_names(f, REFERENCE, e->s.id, &e->shown);
}
