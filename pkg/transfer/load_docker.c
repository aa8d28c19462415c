/* SPDX-License-Identifier: MIT */
/* docker-archive: manifest.json is an array of {Config, RepoTags, Layers}. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/json/json.h"
#include "pkg/oci/reference.h"
#include "pkg/transfer/load.h"

#define IMAGES_MAX 256
#define LAYERS_MAX 512

static int add_tag(struct load_image *image, const char *tag)
{
	struct reference ref = {0};
	int r = reference_parse(tag, &ref);

	if (r == 0 && ref.digest)
		r = err_new(-CE_BAD_FORMAT, "a digest is not a tag");
	if (r < 0)
		return err_wrap(r, "RepoTags '%.200s'", tag);
	reference_normalise(&ref);
	strv_take(&image->names, reference_text(&ref));
	reference_done(&ref);
	return 0;
}

/* Archives name a config by its digest; one that is named so must be what its name says. */
static int check_name(const char *name, const char *id)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	size_t n = strcspn(base, ".");

	if (n == 64 && strspn(base, "0123456789abcdef") == 64 && strncmp(base, id, 64) != 0)
		return err_new(-CE_BAD_DIGEST, "config '%s'", name);
	return 0;
}

static int list_one(struct bundle *b, struct json_object *o, struct load_image *image)
{
	AUTO_STRV struct strv tags = STRV_INIT;
	const struct sbuf *doc = NULL;
	const char *config = NULL;
	int r;

	if (!json_object_is_type(o, json_type_object))
		return err_new(-CE_BAD_FORMAT, "not an object");
	r = json_get_str(o, "Config", &config);
	if (r == 0)
		r = json_get_strv(o, "RepoTags", &tags);
	if (r == 0)
		r = json_get_strv(o, "Layers", &image->members);
	if (r < 0)
		return r;
	if (!config || image->members.n > LAYERS_MAX)
		return err_new(-CE_BAD_FORMAT, config ? "too many layers" : "no Config");
	r = bundle_document(b, config, 4U << 20, &doc);
	if (r == 0 && !doc)
		r = err_new(-CE_BAD_FORMAT, "config '%.200s' is missing", config);
	if (r == 0)
		r = load_set_config(image, doc);
	if (r == 0)
		r = check_name(config, image->id);
	for (size_t i = 0; r == 0 && i < tags.n; i++)
		r = add_tag(image, tags.v[i]);
	return r;
}

/* Of all that the archive lists the one that is asked for: the index comes after "@". */
static int keep_entry(struct load_images *l, const char *entry)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *name = NULL;
	int64_t index = -1;
	int r;

	if (*entry == '@') {
		r = parse_i64(entry + 1, 0, IMAGES_MAX, &index);
		if (r < 0 || (size_t)index >= l->n)
			return err_new(-CE_NO_IMAGE, "it has no image '%s'", entry);
	} else {
		r = reference_parse(entry, &ref);
		if (r < 0)
			return r;
		reference_normalise(&ref);
		name = reference_text(&ref);
	}
	for (size_t i = 0; name && index < 0 && i < l->n; i++)
		if (strv_has(&l->v[i].names, name))
			index = (int64_t)i;
	if (index < 0)
		return err_new(-CE_NO_IMAGE, "it has no '%s'", entry);
	load_images_keep(l, (size_t)index);
	if (name) {
		strv_done(&l->v[0].names);
		strv_add(&l->v[0].names, name);
	}
	return 0;
}

int load_list_docker(struct bundle *b, const struct sbuf *list, const char *entry,
		     struct load_images *ret)
{
	AUTO_JSON struct json_object *doc = NULL;
	int r = json_parse(list->s, list->len, &doc);
	size_t n;

	if (r < 0)
		return err_wrap(r, "manifest.json");
	if (!json_object_is_type(doc, json_type_array))
		return err_new(-CE_BAD_FORMAT, "manifest.json: not a list of images");
	n = json_object_array_length(doc);
	if (n == 0 || n > IMAGES_MAX)
		return err_new(-CE_BAD_FORMAT, "manifest.json: %zu images", n);
	for (size_t i = 0; i < n; i++) {
		r = list_one(b, json_object_array_get_idx(doc, i), load_image_new(ret));
		if (r < 0)
			return err_wrap(r, "manifest.json");
	}
	return entry && *entry ? keep_entry(ret, entry) : 0;
}
