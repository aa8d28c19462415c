/* SPDX-License-Identifier: MIT */
/*
 * From what a user typed to an image: a full reference, a short name (localhost/ first, as built and
 * loaded images have it, then docker.io, then how any image's name ends), a reference by digest, an id
 * or a unique prefix of one.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/registries.h"
#include "pkg/image/image.h"
#include "pkg/image/local_digest.h"
#include "pkg/image/manifest_list.h"

static int resolve_named(struct store *st, const char *reference, char ret_id[65], char **ret_name)
{
	int r = ref_get(st, reference, ret_id);

	if (r == 0)
		*ret_name = xstrdup(reference);
	return r;
}

/* "name@sha256:…": a name itself, or an image that was pulled by a tag and had this digest then. */
static int resolve_digest(struct store *st, const struct reference *ref, char ret_id[65],
			  char **ret_name)
{
	AUTO_FREE char *name = reference_name(ref);
	AUTO_FREE char *want = xasprintf("%s@%s", name, ref->digest);
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = resolve_named(st, want, ret_id, ret_name);

	if (r != -CE_NO_IMAGE)
		return r;
	err_drop();
	r = image_store_list(st, &ids);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ids.n; i++) {
		AUTO(image_summary_done) struct image_summary s = {0};

		/* Removed right now, or damaged: it cannot be the one. */
		if (image_store_summary(st, ids.v[i], &s) < 0) {
			err_drop();
		} else if (strv_has(&s.repo_digests, want)) {
			memcpy(ret_id, ids.v[i], 65);
			*ret_name = TAKE_PTR(want);
			return 0;
		}
	}
	r = local_digest_find(st, name, ref->digest, ret_id);
	if (r == 0)
		*ret_name = TAKE_PTR(want);
	return r;
}

/* As it would be pulled: what an alias says, or one of the registries that short names are looked for in. */
static int resolve_short(struct store *st, const char *path, const char *tag, char ret_id[65],
			 char **ret_name)
{
	AUTO(registries_done) struct registries conf = {0};
	AUTO_FREE char *trail = xstrdup(err_trail());
	AUTO_STRV struct strv names = STRV_INIT;
	int r = -CE_NO_IMAGE;

	err_drop();
	if (registries_load(&conf) == 0)
		registries_candidates(&conf, path, &names);
	for (size_t i = 0; r == -CE_NO_IMAGE && i < names.n; i++) {
		AUTO_FREE char *full = xasprintf("%s:%s", names.v[i], tag);

		err_drop();
		r = resolve_named(st, full, ret_id, ret_name);
	}
	/* The words of the first look-up, or why the configuration cannot be read only when it is used. */
	return r == -CE_NO_IMAGE ? err_set(r, trail) : r;
}

/* "app:1" of what is here as "registry.example.org/team/app:1"; whole components only. */
static int resolve_ending(struct store *st, const char *path, const char *tag, char ret_id[65],
			  char **ret_name)
{
	AUTO_FREE char *ending = xasprintf("/%s:%s", path, tag), *hit = NULL;
	AUTO_FREE char *trail = xstrdup(err_trail());
	AUTO_STRV struct strv refs = STRV_INIT;
	int r;

	err_drop();
	r = ref_list(st, &refs);
	if (r < 0)
		return r;
	strv_sort(&refs);
	for (size_t i = 0; i < refs.n; i++) {
		char id[65];

		if (!has_ending(refs.v[i], ending))
			continue;
		if (ref_get(st, refs.v[i], id) < 0) { /* removed right now */
			err_drop();
			continue;
		}
		if (hit && strcmp(id, ret_id) != 0)
			return err_new(-CE_AMBIGUOUS, "image %s: %s or %s", ending + 1, hit, refs.v[i]);
		memcpy(ret_id, id, sizeof(id));
		if (!hit)
			hit = xstrdup(refs.v[i]);
	}
	if (!hit)
		return err_set(-CE_NO_IMAGE, trail);
	*ret_name = TAKE_PTR(hit);
	return 0;
}

static int resolve_name(struct store *st, const char *name, bool strict, char ret_id[65],
			char **ret_name)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *full = NULL, *path = NULL;
	bool is_short;
	int r = reference_parse(name, &ref);

	if (r < 0)
		return r;
	is_short = !ref.host && !ref.digest;
	if (is_short) {
		AUTO_FREE char *local = xasprintf("localhost/%s:%s", ref.path,
						  ref.tag ? ref.tag : "latest");

		r = resolve_named(st, local, ret_id, ret_name);
		if (r != -CE_NO_IMAGE)
			return r;
	}
	path = xstrdup(ref.path);
	reference_normalise(&ref);
	if (ref.digest)
		return resolve_digest(st, &ref, ret_id, ret_name);
	full = reference_text(&ref);
	r = resolve_named(st, full, ret_id, ret_name);
	if (r == -CE_NO_IMAGE && is_short)
		r = resolve_short(st, path, ref.tag, ret_id, ret_name);
	if (r == -CE_NO_IMAGE && is_short && !strict && !list_is(st, name))
		r = resolve_ending(st, path, ref.tag, ret_id, ret_name);
	return r;
}

static int resolve_id(struct store *st, const char *prefix, char ret_id[65])
{
	AUTO_STRV struct strv ids = STRV_INIT;
	const char *hit = NULL;
	int r = image_store_list(st, &ids);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ids.n; i++) {
		if (strncmp(ids.v[i], prefix, strlen(prefix)) != 0)
			continue;
		if (hit)
			return err_new(-CE_AMBIGUOUS, "image %s", prefix);
		hit = ids.v[i];
	}
	if (!hit)
		return err_new(-CE_NO_IMAGE, "%s", prefix);
	memcpy(ret_id, hit, 65);
	return 0;
}

static int resolve(struct store *st, const char *name, bool strict, char ret_id[65],
		   char **ret_name)
{
	bool is_id = strncmp(name, "sha256:", 7) == 0;
	const char *id = is_id ? name + 7 : name;
	bool may_be_id = hex_is_valid(id, 64);
	int r;

	*ret_name = NULL;
	if (!is_id && strlen(name) != 64) {
		r = resolve_name(st, name, strict, ret_id, ret_name);
		if (r != -CE_NO_IMAGE || !may_be_id)
			return r;
		err_drop();
	}
	if (may_be_id) {
		r = resolve_id(st, id, ret_id);
		/* Say it with the word that was typed. */
		return r == -CE_NO_IMAGE ? err_new(r, "%s", name) : r;
	}
	if (is_id)
		return err_usage("image '%s': not an id", name);
	return resolve_name(st, name, strict, ret_id, ret_name);
}

int image_resolve(struct store *st, const char *name, char ret_id[65], char **ret_name)
{
	return resolve(st, name, false, ret_id, ret_name);
}

int image_resolve_strict(struct store *st, const char *name, char ret_id[65], char **ret_name)
{
	return resolve(st, name, true, ret_id, ret_name);
}

static int find(struct store *st, const char *name, bool strict, struct image_record **ret,
		char **ret_name)
{
	AUTO_FREE char *matched = NULL;
	char id[65];
	int r = resolve(st, name, strict, id, &matched);

	if (r == 0)
		r = image_store_load(st, id, ret);
	if (r < 0 || !ret_name)
		return r;
	if (!matched)
		matched = xstrdup((*ret)->names.n ? (*ret)->names.v[0] : id);
	*ret_name = TAKE_PTR(matched);
	return 0;
}

int image_find(struct store *st, const char *name, struct image_record **ret, char **ret_name)
{
	return find(st, name, false, ret, ret_name);
}

int image_find_strict(struct store *st, const char *name, struct image_record **ret,
		      char **ret_name)
{
	return find(st, name, true, ret, ret_name);
}

void image_tags_of(const struct strv *names, struct strv *ret)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strchr(names->v[i], '@'))
			strv_add(ret, names->v[i]);
}

static int tags_of_repository(struct store *st, const char *repository, struct strv *ret)
{
	AUTO_STRV struct strv refs = STRV_INIT;
	size_t n = strlen(repository);
	int r = ref_list(st, &refs);

	for (size_t i = 0; r == 0 && i < refs.n; i++)
		if (strncmp(refs.v[i], repository, n) == 0 && refs.v[i][n] == ':')
			strv_add(ret, refs.v[i]);
	strv_sort(ret);
	return r;
}

int image_tags_in(struct store *st, const char *name, struct strv *ret)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *full = NULL, *local = NULL;
	int r = reference_parse(name, &ref);

	if (r == 0 && (ref.tag || ref.digest))
		r = err_usage("'%s' has a tag or digest; --all-tags wants a repository", name);
	if (r < 0)
		return r;
	if (!ref.host)
		local = xasprintf("localhost/%s", ref.path);
	reference_normalise(&ref);
	full = reference_name(&ref);
	if (local)
		r = tags_of_repository(st, local, ret);
	if (r == 0 && !ret->n)
		r = tags_of_repository(st, full, ret);
	return r == 0 && !ret->n ? err_new(-CE_NO_IMAGE, "%s", name) : r;
}

char *image_manifest_of(struct store *st, const struct image_record *rec, const char *name)
{
	AUTO_FREE char *digest = NULL;
	const char *at = name ? strchr(name, '@') : NULL;

	if (name && ref_manifest(st, name, &digest) == 0 && *digest)
		return TAKE_PTR(digest);
	err_drop();
	if (at) /* by a digest that a tag had */
		return xstrdup(at + 1);
	return rec->manifest_digest ? xstrdup(rec->manifest_digest) : NULL;
}
