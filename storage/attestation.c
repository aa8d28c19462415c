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

/* @diffids: taken over. */
static struct json_object *config_of(struct json_object *diffids)
{
	struct json_object *o = json_object_new_object(), *root = json_object_new_object();

	json_set_str(root, "type", "layers");
	json_set(root, "diff_ids", diffids);
	json_set_str(o, "architecture", "unknown");
	json_set_str(o, "os", "unknown");
	json_set(o, "config", json_object_new_object());
	json_set(o, "rootfs", root);
	return o;
}

/* One statement: its layer, and that one's digest for the config. */
static int put_layer(int blobs, struct json_object *statement, struct json_object *layers,
		     struct json_object *diffids)
{
	struct json_object *layer = NULL, *words;
	const char *type = NULL, *digest = NULL;
	int r = json_get_str(statement, "predicateType", &type);

	if (r == 0 && !type)
		r = err_new(-CE_CORRUPT, "a statement without a type");
	if (r == 0)
		r = put_document(blobs, statement, MEDIA_STATEMENT, &layer);
	if (r < 0)
		return r;
	(void)json_object_array_add(layers, layer);
	words = json_object_new_object();
	json_set_str(words, PREDICATE_TYPE, type);
	json_set(layer, "annotations", words);
	r = json_get_str(layer, "digest", &digest);
	if (r == 0)
		(void)json_object_array_add(diffids, json_object_new_string(digest));
	return r;
}

int attestation_put(int blobs, struct json_object *statements, struct sbuf *ret)
{
	AUTO_JSON struct json_object *m = json_object_new_object(), *config = NULL;
	struct json_object *described = NULL, *layers = json_object_new_array();
	struct json_object *diffids = json_object_new_array();
	int r = 0;

	json_set(m, "layers", layers);
	config = config_of(diffids);
	for (size_t i = 0; r == 0 && i < json_object_array_length(statements); i++)
		r = put_layer(blobs, json_object_array_get_idx(statements, i), layers, diffids);
	if (r == 0)
		r = put_document(blobs, config, MEDIA_OCI_CONFIG, &described);
	if (r < 0)
		return r;
	json_set_i64(m, "schemaVersion", 2);
	json_set_str(m, "mediaType", MEDIA_OCI_MANIFEST);
	json_set(m, "config", described);
	json_write(m, false, ret);
	return 0;
}

static int read_statement(int blobs, const struct descriptor *d, struct json_object **ret)
{
	AUTO_CLOSE int fd = -EBADF;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r;

	if (strcmp(d->media_type, MEDIA_STATEMENT) != 0)
		return err_new(-CE_CORRUPT, "an attestation of %.80s", d->media_type);
	r = fd = artifact_blob_read(blobs, d->digest);
	if (r >= 0)
		r = file_read_fd(fd, STATEMENT_BYTES_MAX, &text);
	return r < 0 ? r : json_parse(text.s, text.len, ret);
}

/* What a statement says of others than @from stays so. */
static int retarget_one(struct json_object *statement, const char *from, const char *to)
{
	struct json_object *subjects = NULL;
	int r = json_get_arr(statement, "subject", &subjects);

	for (size_t i = 0; r == 0 && subjects && i < json_object_array_length(subjects); i++) {
		struct json_object *digests = NULL;
		const char *hex = NULL;

		r = json_get_obj(json_object_array_get_idx(subjects, i), "digest", &digests);
		if (r == 0 && digests)
			r = json_get_str(digests, "sha256", &hex);
		if (r == 0 && hex && strcmp(hex, digest_hex(from)) == 0)
			json_set_str(digests, "sha256", digest_hex(to));
	}
	return r;
}

static int retarget(int blobs, const char *manifest, const char *from, const char *to,
		    struct sbuf *ret)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_JSON struct json_object *all = json_object_new_array();
	int r = manifest_parse(manifest, strlen(manifest), MEDIA_OCI_MANIFEST, &m);

	for (unsigned i = 0; r == 0 && i < m.n_layers; i++) {
		struct json_object *statement = NULL;

		r = read_statement(blobs, &m.layers[i], &statement);
		if (r < 0)
			break;
		(void)json_object_array_add(all, statement);
		r = retarget_one(statement, from, to);
	}
	return r < 0 ? r : attestation_put(blobs, all, ret);
}

int attestation_follow(int blobs, struct json_object *entry, const char *manifest,
		       attestation_now *now, void *data, struct sbuf *ret, const char **ret_now)
{
	struct json_object *words = NULL;
	const char *about = NULL;
	int r = json_get_obj(entry, "annotations", &words);

	*ret_now = NULL;
	if (r == 0 && words)
		r = json_get_str(words, ATTESTATION_ABOUT, &about);
	if (r == 0 && about)
		*ret_now = now(data, about);
	if (*ret_now && strcmp(*ret_now, about) == 0)
		*ret_now = NULL;
	if (r == 0 && *ret_now)
		r = retarget(blobs, manifest, about, *ret_now, ret);
	else if (r == 0)
		sbuf_adds(ret, manifest);
	return r < 0 ? err_wrap(r, "attestation") : 0;
}
