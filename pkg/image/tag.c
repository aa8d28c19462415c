/* SPDX-License-Identifier: MIT */
#include "pkg/image/tag.h"

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "storage/event.h"

int image_tag_name(const char *name, char **ret)
{
	AUTO(reference_done) struct reference ref = {0};
	int r = reference_parse(name, &ref);

	if (r < 0)
		return r;
	if (ref.digest)
		return err_usage("'%s': an image cannot be given a digest as a name", name);
	if (!ref.host)
		ref.host = xstrdup("localhost");
	reference_normalise(&ref);
	*ret = reference_text(&ref);
	return 0;
}

int image_tag(struct store *st, const char *image, const struct strv *names)
{
	AUTO_STRV struct strv full = STRV_INIT;
	AUTO_FREE char *matched = NULL, *manifest = NULL;
	struct image_record *rec = NULL;
	struct event_pending event;
	int dir = store_runtime_fd(st), r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		char *one;

		r = image_tag_name(names->v[i], &one);
		if (r == 0)
			strv_take(&full, one);
	}
	if (r == 0)
		r = image_find(st, image, &rec, &matched);
	if (r == 0)
		manifest = image_manifest_of(st, rec, matched);
	for (size_t i = 0; r == 0 && i < full.n; i++) {
		event_begin_named(dir, "image", "tag", rec->id, full.v[i], &event);
		r = image_store_tag(st, full.v[i], rec->id, manifest);
		if (r == 0)
			event_named(dir, "image", "tag", rec->id, full.v[i]);
		event_over(dir, &event);
	}
	image_record_free(rec);
	return r;
}

/* As typed, it may stand for a name of localhost or of Docker Hub: whichever the image has. */
static int name_of_image(const struct image_record *rec, const char *typed, struct strv *ret)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *local = NULL;
	AUTO_FREE char *full = NULL;
	int r = image_tag_name(typed, &local);

	if (r == 0)
		r = reference_parse(typed, &ref);
	if (r < 0)
		return r;
	reference_normalise(&ref);
	full = reference_text(&ref);
	if (strv_has(&rec->names, local))
		strv_add(ret, local);
	else if (strv_has(&rec->names, full))
		strv_add(ret, full);
	else
		return err_new(-CE_NO_IMAGE, "%s is not a name of image %.12s", typed, rec->id);
	return 0;
}

int image_untag(struct store *st, const char *image, const struct strv *names)
{
	AUTO_STRV struct strv full = STRV_INIT;
	struct image_record *rec = NULL;
	struct event_pending event;
	int dir = store_runtime_fd(st), r = image_find(st, image, &rec, NULL);

	for (size_t i = 0; r == 0 && i < names->n; i++)
		r = name_of_image(rec, names->v[i], &full);
	if (r == 0 && !names->n)
		strv_add_all(&full, &rec->names);
	for (size_t i = 0; r == 0 && i < full.n; i++) {
		event_begin_named(dir, "image", "untag", rec->id, full.v[i], &event);
		r = ref_remove(st, full.v[i]);
		if (r == 0)
			event_named(dir, "image", "untag", rec->id, full.v[i]);
		event_over(dir, &event);
	}
	image_record_free(rec);
	return r;
}
