/* SPDX-License-Identifier: MIT */
#include "pkg/image/attestation.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/manifest_list_internal.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "storage/artifact_store.h"
#include "storage/attestation.h"

/* The digest of the entry for that image. */
static int entry_of(struct store *st, const char *list, const char *image, char **ret)
{
	AUTO(list_record_done) struct list_record rec = {0};
	int r = list_find(st, list, &rec);

	if (r < 0)
		return r;
	json_object_object_foreach(rec.instances, digest, where)
	{
		const char *id = NULL;

		if (json_get_str(where, "Image", &id) == 0 && id && strcmp(id, image) == 0) {
			*ret = xstrdup(digest);
			return 0;
		}
	}
	return err_new(-CE_NO_IMAGE, "%s does not name image %.12s", list, image);
}

/* About the image, unless it says itself what it is about. */
static struct json_object *statement_of(const char *subject, const char *digest,
					struct json_object *said)
{
	struct json_object *o = json_object_new_object(), *d, *one, *all, *value = NULL;

	json_set_str(o, "_type", "https://in-toto.io/Statement/v1");
	json_set(o, "predicateType",
		 json_object_get(json_object_object_get(said, "predicateType")));
	if (json_object_object_get_ex(said, "subject", &value)) {
		json_set(o, "subject", json_object_get(value));
	} else {
		d = json_object_new_object();
		one = json_object_new_object();
		all = json_object_new_array();
		json_set_str(d, "sha256", digest_hex(digest));
		json_set_str(one, "name", subject);
		json_set(one, "digest", d);
		(void)json_object_array_add(all, one);
		json_set(o, "subject", all);
	}
	json_set(o, "predicate", json_object_get(json_object_object_get(said, "predicate")));
	return o;
}

int list_attest(struct store *st, const char *list, const char *image, const char *subject,
		struct json_object *statements, char ret_id[65])
{
	AUTO(found_manifests_done) struct found_manifests found = {0};
	AUTO_CLOSE int hold = artifact_store_hold(st);
	AUTO_FREE char *name = NULL, *digest = NULL;
	AUTO_JSON struct json_object *whole = json_object_new_array();
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	static char unknown[] = "unknown";
	struct list_words w = {.arch = unknown, .os = unknown};
	int blobs, r = hold < 0 ? hold : list_name_of(st, list, &name);

	if (r == 0)
		r = entry_of(st, list, image, &digest);
	blobs = r < 0 ? r : store_fd(st, STORE_BLOBS);
	if (blobs < 0)
		return blobs;
	for (size_t i = 0; i < json_object_array_length(statements); i++)
		(void)json_object_array_add(
			whole,
			statement_of(subject, digest, json_object_array_get_idx(statements, i)));
	r = attestation_put(blobs, whole, &text);
	if (r < 0)
		return r;
	found.v = xcalloc(1, sizeof(*found.v));
	found.n = 1;
	found.v[0] = (struct found_manifest){.media_type = xstrdup(MEDIA_OCI_MANIFEST),
					     .digest = digest_sha256_of(text.s, text.len),
					     .size = text.len};
	found.v[0].artifact = sbuf_steal(&text);
	strv_add(&w.annotations, ATTESTATION_TYPE "=" ATTESTATION_MANIFEST);
	strv_addf(&w.annotations, ATTESTATION_ABOUT "=%s", digest);
	r = list_put_entries(st, name, &found, &w, ret_id);
	strv_done(&w.annotations);
	return r;
}
