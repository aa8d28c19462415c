/* SPDX-License-Identifier: MIT */
#include "pkg/image/list_tree.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/manifest_list.h"
#include "pkg/json/json.h"
#include "pkg/oci/manifest.h"

struct sizes {
	uint64_t disk, content;
	bool used;
};

static struct json_object *add_row(struct json_object *rows, const char *name, const char *id,
				   const struct sizes *s)
{
	struct json_object *o = json_object_new_object();

	json_add_str(o, "Image", name);
	json_set(o, "ID", json_object_new_string_len(id, (int)strnlen(id, 12)));
	if (s) {
		json_set_size(o, "DiskUsage", s->disk);
		json_set_size(o, "ContentSize", s->content);
	} else {
		json_set_str(o, "DiskUsage", "");
		json_set_str(o, "ContentSize", "");
	}
	json_set_str(o, "Extra", s && s->used ? "U" : "");
	(void)json_object_array_add(rows, o);
	return o;
}

static uint64_t content_of(const struct manifest *m, size_t manifest_bytes)
{
	uint64_t n = manifest_bytes + m->config.size;

	for (unsigned i = 0; i < m->n_layers; i++)
		n += m->layers[i].size;
	return n;
}

static int count(struct json_object *image)
{
	int64_t n = 0;

	return json_get_i64(image, "Containers", &n) == 0 && n > 0;
}

/* An image that was chosen from an index has its platform below it. */
static int add_image(struct store *st, struct json_object *image, const struct strv *names,
		     const char *id, struct json_object *rows)
{
	AUTO(image_summary_done) struct image_summary sum = {0};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf raw = SBUF_INIT;
	AUTO_FREE char *type = NULL, *digest = NULL, *child = NULL;
	struct sizes s = {.used = count(image)};
	const char *os = "", *arch = "";
	bool of_index = false;
	int r = image_store_summary(st, id, &sum);

	if (r == 0)
		r = image_store_manifest(st, id, NULL, &raw, &type, &digest);
	if (r == 0 && manifest_parse(raw.s, raw.len, type, &m) == 0)
		s.content = content_of(&m, raw.len);
	err_drop(); /* made here, or damaged: what is known is shown */
	s.disk = sum.size_bytes;
	for (size_t i = 0; i < sum.manifests.n; i++)
		of_index |= strstr(sum.manifests.v[i], "index") ||
			    strstr(sum.manifests.v[i], "manifest.list");
	for (size_t i = 0; i < names->n; i++)
		(void)add_row(rows, names->v[i], id, i + 1 == names->n ? &s : NULL);
	if (!names->n)
		(void)add_row(rows, "<untagged>", id, &s);
	if (!of_index || !digest)
		return 0;
	if (json_get_str(image, "Os", &os) < 0 || json_get_str(image, "Arch", &arch) < 0)
		err_drop();
	child = xasprintf("└─ %s/%s", os, arch);
	(void)add_row(rows, child, digest + strlen("sha256:"), &s);
	return 0;
}

static void entry_sizes(struct store *st, struct json_object *where, struct sizes *ret)
{
	AUTO(image_summary_done) struct image_summary sum = {0};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf raw = SBUF_INIT;
	AUTO_FREE char *type = NULL, *digest = NULL;
	const char *id = NULL;

	if (json_get_str(where, "Image", &id) == 0 && id &&
	    image_store_summary(st, id, &sum) == 0) {
		ret->disk = sum.size_bytes;
		if (image_store_manifest(st, id, NULL, &raw, &type, &digest) == 0 &&
		    manifest_parse(raw.s, raw.len, type, &m) == 0)
			ret->content = content_of(&m, raw.len);
	}
	err_drop();
}

static int add_list(struct store *st, struct json_object *image, const struct strv *names,
		    const char *id, struct json_object *rows)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO(manifest_done) struct manifest index = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct sizes all = {.used = count(image)}, *each = NULL;
	int r = list_find(st, id, &rec);

	if (r == 0) {
		json_write(rec.index, false, &text);
		r = manifest_parse(text.s, text.len, NULL, &index);
	}
	if (r < 0)
		return r;
	each = xcalloc(index.n_children + 1, sizeof(*each));
	for (unsigned i = 0; i < index.n_children; i++) {
		struct json_object *where = NULL;

		if (json_get_obj(rec.instances, index.children[i].digest, &where) == 0 && where)
			entry_sizes(st, where, &each[i]);
		all.disk += each[i].disk;
		all.content += each[i].content;
	}
	for (size_t i = 0; i < names->n; i++)
		(void)add_row(rows, names->v[i], id, i + 1 == names->n ? &all : NULL);
	for (unsigned i = 0; i < index.n_children; i++) {
		const struct descriptor *d = &index.children[i];
		AUTO_FREE char *what = d->has_platform ? platform_text(&d->platform)
						       : xstrdup(d->artifact_type ? d->artifact_type
										  : "unknown");
		AUTO_FREE char *child = xasprintf(
			"%s %s", i + 1 == index.n_children ? "└─" : "├─", what);
		const char *colon = strchr(d->digest, ':');

		(void)add_row(rows, child, colon ? colon + 1 : d->digest, &each[i]);
	}
	free(each);
	return 0;
}

int image_tree_rows(struct store *st, struct json_object *images, struct json_object **ret)
{
	struct json_object *rows = json_object_new_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_object_array_length(images); i++) {
		struct json_object *image = json_object_array_get_idx(images, i);
		AUTO_STRV struct strv names = STRV_INIT;
		const char *id = "";
		bool is_list = false;

		if ((r = json_get_strv(image, "Names", &names)) == 0 &&
		    (r = json_get_str(image, "Id", &id)) == 0 &&
		    (r = json_get_bool(image, "IsManifestList", &is_list)) == 0)
			r = (is_list ? add_list : add_image)(st, image, &names, id, rows);
	}
	*ret = rows;
	return r;
}
