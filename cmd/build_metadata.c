/* SPDX-License-Identifier: MIT */
/*
 * --metadata-file: what was built, with the keys that buildx writes. Of an image that is not sent the manifest is the
 * one that inspect tells, with layers as they lie in the store: the one that a push would send is not known before.
 */
#include <string.h>

#include "cmd/build.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/sha256.h"
#include "pkg/image/image.h"
#include "pkg/image/local_digest.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/tag.h"
#include "pkg/json/json.h"
#include "pkg/oci/manifest.h"

static void put_descriptor(struct json_object *doc, const char *type, const char *digest, size_t n)
{
	struct json_object *d = json_object_new_object();

	json_set_str(doc, "containerimage.digest", digest);
	json_set_str(d, "mediaType", type);
	json_set_str(d, "digest", digest);
	json_set_i64(d, "size", (int64_t)n);
	json_set(doc, "containerimage.descriptor", d);
}

static void put_bytes(struct json_object *doc, const char *type, const struct sbuf *b)
{
	AUTO_FREE char *digest = NULL;
	char hex[65];

	sha256_hex(b->s, b->len, hex);
	digest = xasprintf("sha256:%s", hex);
	put_descriptor(doc, type, digest, b->len);
}

static int put_image(struct store *st, const char *id, struct json_object *doc)
{
	AUTO_FREE char *config = xasprintf("sha256:%s", id);
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct image_record *rec = NULL;
	int r = image_store_load(st, id, &rec);

	if (r < 0)
		return r;
	json_set_str(doc, "containerimage.config.digest", config);
	if (rec->manifest_digest && rec->manifest) {
		put_descriptor(doc, rec->manifest_type, rec->manifest_digest, rec->manifest_len);
	} else {
		r = local_manifest(st, id, &rec->diffids, rec->manifest_type, &rec->annotations, &text);
		if (r == 0)
			put_bytes(doc, rec->manifest_type ? rec->manifest_type : MEDIA_OCI_MANIFEST, &text);
	}
	image_record_free(rec);
	return r == -ENOENT ? 0 : r;
}

/* As it was sent, which of another format is another index than the one that is kept. */
static int put_list(struct store *st, const char *list, struct json_object *doc)
{
	AUTO(list_record_done) struct list_record rec = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const char *pushed = build_pushed(), *had = NULL;
	int r = list_find(st, list, &rec);

	if (r < 0)
		return r;
	json_write(rec.index, false, &text);
	put_bytes(doc, MEDIA_OCI_INDEX, &text);
	r = json_get_str(doc, "containerimage.digest", &had);
	if (r == 0 && *pushed && strcmp(had, pushed) != 0) {
		json_object_object_del(doc, "containerimage.descriptor");
		json_set_str(doc, "containerimage.digest", pushed);
	}
	return r;
}

static int put_names(const struct strv *tags, struct json_object *doc)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *all = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < tags->n; i++) {
		char *full = NULL;

		r = image_tag_name(tags->v[i], &full);
		if (r == 0)
			strv_take(&names, full);
	}
	if (r < 0 || !names.n)
		return r;
	all = strv_join(&names, ",");
	json_set_str(doc, "image.name", all);
	return 0;
}

int build_metadata_put(struct store *st, const struct strv *tags, const char *id, const char *list, struct sbuf *ret)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	int r = *id ? put_image(st, id, doc) : 0;

	if (r == 0 && list)
		r = put_list(st, list, doc);
	if (r == 0)
		r = put_names(tags, doc);
	if (r < 0)
		return err_wrap(r, "--metadata-file");
	json_write(doc, true, ret);
	sbuf_addc(ret, '\n');
	return 0;
}
