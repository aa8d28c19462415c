/* SPDX-License-Identifier: MIT */
#include "storage/attestation.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"
#include "storage/artifact_store.h"

#define MEDIA_STATEMENT "application/vnd.in-toto+json"
#define PREDICATE_TYPE "in-toto.io/predicate-type"

/* @ret: its descriptor. */
static int put_document(int blobs, struct json_object *doc, const char *media_type,
			struct json_object **ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *digest = NULL;
	int r;

	json_write(doc, false, &text);
	r = artifact_blob_put(blobs, text.s, text.len, &digest);
	if (r < 0)
		return r;
	*ret = json_object_new_object();
	json_set_str(*ret, "mediaType", media_type);
	json_set_str(*ret, "digest", digest);
	json_set_i64(*ret, "size", (int64_t)text.len);
	return 0;
}

static struct json_object *config_of(const char *diffid)
{
	struct json_object *o = json_object_new_object(), *root = json_object_new_object();
	struct json_object *ids = json_object_new_array();

	(void)json_object_array_add(ids, json_object_new_string(diffid));
	json_set_str(root, "type", "layers");
	json_set(root, "diff_ids", ids);
	json_set_str(o, "architecture", "unknown");
	json_set_str(o, "os", "unknown");
	json_set(o, "config", json_object_new_object());
	json_set(o, "rootfs", root);
	return o;
}

int attestation_put(int blobs, struct json_object *statement, struct sbuf *ret)
{
	AUTO_JSON struct json_object *m = json_object_new_object(), *config = NULL;
	struct json_object *layer = NULL, *described = NULL, *words, *layers;
	const char *type = NULL, *digest = NULL;
	int r = json_get_str(statement, "predicateType", &type);

	if (r == 0 && !type)
		r = err_new(-CE_CORRUPT, "a statement without a type");
	if (r == 0)
		r = put_document(blobs, statement, MEDIA_STATEMENT, &layer);
	if (r == 0)
		r = json_get_str(layer, "digest", &digest);
	if (r < 0)
		return r;
	layers = json_object_new_array();
	(void)json_object_array_add(layers, layer);
	json_set(m, "layers", layers);
	words = json_object_new_object();
	json_set_str(words, PREDICATE_TYPE, type);
	json_set(layer, "annotations", words);
	config = config_of(digest);
	r = put_document(blobs, config, MEDIA_OCI_CONFIG, &described);
	if (r < 0)
		return r;
	json_set_i64(m, "schemaVersion", 2);
	json_set_str(m, "mediaType", MEDIA_OCI_MANIFEST);
	json_set(m, "config", described);
	json_write(m, false, ret);
	return 0;
}

static int read_statement(int blobs, const char *manifest, struct json_object **ret)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_CLOSE int fd = -EBADF;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = manifest_parse(manifest, strlen(manifest), MEDIA_OCI_MANIFEST, &m);

	if (r == 0 && (m.n_layers != 1 || strcmp(m.layers[0].media_type, MEDIA_STATEMENT) != 0))
		r = err_new(-CE_CORRUPT, "an attestation without a statement");
	if (r == 0)
		r = fd = artifact_blob_read(blobs, m.layers[0].digest);
	if (r >= 0)
		r = file_read_fd(fd, MANIFEST_BYTES_MAX, &text);
	return r < 0 ? r : json_parse(text.s, text.len, ret);
}

int attestation_retarget(int blobs, const char *manifest, const char *digest, struct sbuf *ret)
{
	AUTO_JSON struct json_object *statement = NULL;
	struct json_object *subjects = NULL;
	int r = read_statement(blobs, manifest, &statement);

	if (r == 0)
		r = json_get_arr(statement, "subject", &subjects);
	for (size_t i = 0; r == 0 && subjects && i < json_object_array_length(subjects); i++) {
		struct json_object *d = json_object_new_object();

		json_set_str(d, "sha256", digest_hex(digest));
		json_set(json_object_array_get_idx(subjects, i), "digest", d);
	}
	return r < 0 ? err_wrap(r, "attestation") : attestation_put(blobs, statement, ret);
}
