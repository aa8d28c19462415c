/* SPDX-License-Identifier: MIT */
/*
 * From what a user typed to an image: a full reference, a short name (localhost/ first, as built and
 * loaded images have it, then docker.io), a reference by digest, an id or a unique prefix of one.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/image/image.h"

static int load_named(struct store *st, const char *reference, struct image_record **ret,
		      char **ret_name)
{
	char id[65];
	int r = ref_get(st, reference, id);

	if (r == 0)
		r = image_store_load(st, id, ret);
	if (r == 0 && ret_name)
		*ret_name = xstrdup(reference);
	return r;
}

/* "name@sha256:…": an image that was pulled as that. */
static int load_by_digest(struct store *st, const struct reference *ref, struct image_record **ret,
			  char **ret_name)
{
	AUTO_FREE char *name = reference_name(ref);
	AUTO_FREE char *want = xasprintf("%s@%s", name, ref->digest);
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct image_record *image = NULL;

		r = image_store_load(st, ids.v[i], &image);
		if (r == -CE_NO_IMAGE) { /* removed right now */
			err_drop();
			r = 0;
		} else if (r == 0 && strv_has(&image->repo_digests, want)) {
			*ret = image;
			if (ret_name)
				*ret_name = TAKE_PTR(want);
			return 0;
		}
		image_record_free(image);
	}
	return r < 0 ? r : err_new(-CE_NO_IMAGE, "%s", want);
}

static int load_by_name(struct store *st, const char *name, struct image_record **ret,
			char **ret_name)
{
	struct reference ref = {0};
	bool is_short;
	int r = reference_parse(name, &ref);

	if (r < 0)
		return r;
	is_short = !ref.host;
	if (is_short && !ref.digest) {
		AUTO_FREE char *local = xasprintf("localhost/%s:%s", ref.path,
						  ref.tag ? ref.tag : "latest");

		r = load_named(st, local, ret, ret_name);
		if (r != -CE_NO_IMAGE) {
			reference_done(&ref);
			return r;
		}
	}
	reference_normalise(&ref);
	if (ref.digest) {
		r = load_by_digest(st, &ref, ret, ret_name);
	} else {
		AUTO_FREE char *full = reference_text(&ref);

		r = load_named(st, full, ret, ret_name);
	}
	reference_done(&ref);
	return r;
}

static int load_by_id(struct store *st, const char *prefix, struct image_record **ret,
		      char **ret_name)
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
	r = image_store_load(st, hit, ret);
	if (r == 0 && ret_name)
		*ret_name = (*ret)->names.n ? xstrdup((*ret)->names.v[0]) : xstrdup(hit);
	return r;
}

int image_find(struct store *st, const char *name, struct image_record **ret, char **ret_name)
{
	bool is_id = strncmp(name, "sha256:", 7) == 0;
	const char *id = is_id ? name + 7 : name;
	bool may_be_id = hex_is_valid(id, 64);
	int r;

	if (!is_id && strlen(name) != 64) {
		r = load_by_name(st, name, ret, ret_name);
		if (r != -CE_NO_IMAGE || !may_be_id)
			return r;
		err_drop();
	}
	if (may_be_id) {
		r = load_by_id(st, id, ret, ret_name);
		/* Say it with the word that was typed. */
		return r == -CE_NO_IMAGE ? err_new(r, "%s", name) : r;
	}
	if (is_id)
		return err_usage("image '%s': not an id", name);
	return load_by_name(st, name, ret, ret_name);
}
