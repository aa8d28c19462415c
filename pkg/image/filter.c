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
	{"dangling", FLAG, IMAGE_SET_CHILDREN},
	{"digest", TEXT, 0},
	{"id", TEXT, 0},
	{"intermediate", FLAG, IMAGE_SET_CHILDREN},
	{"label", TEXT, IMAGE_SET_CONFIG},
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

bool image_filters_have(const struct image_filters *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].key, key) == 0)
			return true;
	return false;
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

static int parse_value(struct store *st, enum value_kind kind, const char *text,
		       struct image_filter *one)
{
	struct image_record *rec = NULL;
	int r;

	switch (kind) {
	case FLAG:
		if (parse_bool(one->value, &one->flag) < 0)
			return err_usage("--filter '%s': write true or false", text);
		return 0;
	case TIME:
		if (filter_time(one->value, &one->at) < 0)
			return err_usage("--filter '%s': write a time or a duration", text);
		return 0;
	case IMAGE:
		r = image_find(st, one->value, &rec, NULL);
		if (r < 0)
			return err_wrap(r, "--filter '%s'", text);
		one->at = rec->created_ns;
		image_record_free(rec);
		return 0;
	default:
		return 0;
	}
}

/* The row of the key that @text begins with: "key=" or "key!="; -1: none. */
static int key_of(const char *text, bool *ret_negated)
{
	size_t n = strcspn(text, "!=");

	*ret_negated = text[n] == '!';
	if (*ret_negated ? text[n + 1] != '=' : text[n] != '=')
		return -1;
	for (size_t k = 0; k < ARRAY_LEN(keys); k++)
		if (strlen(keys[k].key) == n && strncmp(keys[k].key, text, n) == 0)
			return (int)k;
	return -1;
}

/* Without a key behind it a comma is part of the value: label=list=a,b. */
static size_t length_of_one(const char *text)
{
	const char *comma = strchr(text, ',');
	bool negated;

	while (comma && key_of(comma + 1, &negated) < 0)
		comma = strchr(comma + 1, ',');
	return comma ? (size_t)(comma - text) : strlen(text);
}

static int parse_one(struct store *st, const char *text, struct image_filters *ret)
{
	const char *value = NULL;
	AUTO_FREE char *typed = filter_split(text, &value);
	bool negated;
	int k = key_of(text, &negated);

	if (!typed)
		return err_usage("--filter '%s': write key=value or key!=value", text);
	if (k < 0)
		return err_usage("--filter '%s': unknown key; known are after before containers "
				 "dangling digest id intermediate label manifest readonly "
				 "reference since until",
				 text);
	ret->needs |= keys[k].needs;
	if (keys[k].kind == NAME)
		add_pattern(st, keys[k].key, value, ret);
	else
		(void)new_filter(ret, keys[k].key, value);
	ret->v[ret->n - 1].negated = negated;
	return parse_value(st, keys[k].kind, text, &ret->v[ret->n - 1]);
}

int image_filters_parse(struct store *st, const struct strv *filters, struct image_filters *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && filters && i < filters->n; i++) {
		const char *text = filters->v[i];

		for (size_t n; r == 0; text += n + 1) {
			AUTO_FREE char *one = NULL;

			n = length_of_one(text);
			one = xstrndup(text, n);
			r = parse_one(st, one, ret);
			if (!text[n])
				break;
		}
	}
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
	if (strcmp(f->key, "manifest") == 0)
		return f->flag == e->is_list;
	return f->flag == e->read_only; /* readonly */
}

/* As in podman: one name that matches is enough, and the image goes with all of them. */
static bool has_name(const struct image_filter *f, const struct image_entry *e)
{
	for (size_t i = 0; i < e->s.names.n; i++)
		if (image_name_matches(e->s.names.v[i], f->value))
			return true;
	return strcmp(f->id, e->s.id) == 0;
}

/* Of the names in @names, what any filter of this key asks for; all when none of them is there. */
static bool keep_names(const struct image_filters *f, const char *key, const char *id,
		       struct strv *names)
{
	AUTO_STRV struct strv kept = STRV_INIT;
	bool asked = false, hit = false;

	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->v[i].key, key) != 0 || f->v[i].negated)
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

/* Another value of the same key may match instead; what is negated, and labels, must all hold. */
static bool matches_any(const struct image_filters *f, size_t i, const struct image_entry *e)
{
	const struct image_filter *one = &f->v[i];

	if (match(one, e))
		return true;
	for (size_t k = 0; strcmp(one->key, "label") != 0 && k < f->n; k++)
		if (!f->v[k].negated && strcmp(f->v[k].key, one->key) == 0 &&
		    match(&f->v[k], e))
			return true;
	return false;
}

bool image_filters_match(const struct image_filters *f, struct image_entry *e)
{
	for (size_t i = 0; i < f->n; i++) {
		bool name = is_name_key(f->v[i].key), hit = true;

		if (f->v[i].negated)
			hit = !(name ? has_name(&f->v[i], e) : match(&f->v[i], e));
		else if (!name)
			hit = matches_any(f, i, e);
		if (!hit)
			return false;
	}
	strv_done(&e->shown);
	strv_add_all(&e->shown, &e->s.names);
	return keep_names(f, OPERAND, e->s.id, &e->shown) &&
	       keep_names(f, REFERENCE, e->s.id, &e->shown);
}
