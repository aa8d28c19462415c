/* SPDX-License-Identifier: MIT */
/* What the manifest of a built image says of it (image-spec, annotations.md). */
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/builder.h"
#include "pkg/json/json.h"
#include "pkg/oci/reference.h"

static const struct stage_plan *first_plan(const struct builder *b)
{
	const struct stage_plan *p = &b->stages[b->target];

	while (p->parent >= 0)
		p = &b->stages[p->parent];
	return p;
}

static const struct image_record *base_record(const struct builder *b)
{
	const struct stage_plan *p = first_plan(b);

	for (unsigned i = 0; p->base_id && i < b->n_images; i++)
		if (strcmp(b->images[i].record->id, p->base_id) == 0)
			return b->images[i].record;
	return NULL;
}

/* Of the base image's manifest, as it came or as it would be made here. */
static int base_annotations(const struct builder *b, struct strv *ret)
{
	const struct image_record *rec = base_record(b);
	AUTO_JSON struct json_object *doc = NULL;
	int r;

	if (!rec || !rec->manifest) {
		if (rec)
			strv_add_all(ret, &rec->annotations);
		return 0;
	}
	r = json_parse(rec->manifest, rec->manifest_len, &doc);
	return r < 0 ? r : json_get_map(doc, "annotations", ret);
}

static void set(struct strv *ret, const char *name, const char *value)
{
	AUTO_FREE char *pair = xasprintf("%s=%s", name, value);

	strv_env_set(ret, pair);
}

/*
 * The base image, as those find it who look whether there is a newer one: only one that a registry has, by the name
 * that FROM has for it. A short name is what it was pulled as.
 */
static void name_base(const struct builder *b, struct strv *ret)
{
	const struct image_record *rec = base_record(b);
	const char *written = first_plan(b)->base;
	AUTO(reference_done) struct reference ref = {0}, from = {0};

	if (!rec || !written || !rec->manifest_digest || reference_parse(written, &ref) < 0) {
		err_drop();
		return;
	}
	for (size_t i = 0; i < rec->repo_digests.n; i++) {
		reference_done(&from);
		if (reference_parse(rec->repo_digests.v[i], &from) < 0) {
			err_drop();
			continue;
		}
		if (strcmp(from.digest, rec->manifest_digest) != 0 ||
		    (ref.host && strcmp(ref.host, from.host) != 0) ||
		    (strcmp(ref.path, from.path) != 0 &&
		     (ref.host || strcmp(path_base(from.path), ref.path) != 0)))
			continue;
		if (!ref.host) {
			ref.host = xstrdup(from.host);
			free(ref.path);
			ref.path = xstrdup(from.path);
		}
		reference_normalise(&ref);
		AUTO_FREE char *full = reference_text(&ref);

		set(ret, "org.opencontainers.image.base.name", full);
		set(ret, "org.opencontainers.image.base.digest", rec->manifest_digest);
		return;
	}
}

int build_annotate(const struct builder *b, int64_t created_ns, struct strv *ret)
{
	AUTO_STRV struct strv base = STRV_INIT;
	char when[CLOCK_TEXT_MAX];
	int r = b->o->keep_base_annotations ? base_annotations(b, &base) : 0;

	for (size_t i = 0; i < base.n; i++) {
		AUTO_FREE char *name = xstrndup(base.v[i], strcspn(base.v[i], "="));

		if (!strv_has(&b->o->unset_annotations, name))
			strv_env_set(ret, base.v[i]);
	}
	if (b->o->created_annotation) {
		clock_format_utc(created_ns, when);
		(void)snprintf(when + 19, sizeof(when) - 19, "Z");
		set(ret, "org.opencontainers.image.created", when);
	}
	if (r == 0)
		name_base(b, ret);
	annotations_for(&b->o->annotations, ANNOTATE_MANIFEST, b->target_platform, ret);
	return r;
}
