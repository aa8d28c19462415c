/* SPDX-License-Identifier: MIT */
#include "pkg/image/local_digest.h"

#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "storage/layer.h"

static struct json_object *descriptor_of(const char *type, const char *hex, uint64_t size)
{
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *digest = xasprintf("sha256:%s", hex);

	json_set_str(o, "mediaType", type);
	json_set_str(o, "digest", digest);
	json_set_i64(o, "size", (int64_t)size);
	return o;
}

/* Return: 0, -ENOENT when a size is not known, or a code. */
static int add_layers(struct store *st, const struct strv *diffids, const char *type,
		      struct json_object *layers)
{
	for (size_t i = 0; i < diffids->n; i++) {
		AUTO(layer_record_done) struct layer_record rec = {0};
		int r = layer_record_load(st, diffids->v[i], &rec);

		if (r == 0 && !rec.tar_bytes)
			r = -ENOENT;
		if (r < 0)
			return r;
		(void)json_object_array_add(layers,
					    descriptor_of(type, diffids->v[i], rec.tar_bytes));
	}
	return 0;
}

int local_manifest(struct store *st, const char *id, const struct strv *diffids,
		   const char *manifest_type, const struct strv *annotations, struct sbuf *ret)
{
	bool docker = manifest_type && strncmp(manifest_type, "application/vnd.docker.", 23) == 0;
	AUTO_JSON struct json_object *doc = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	int r = image_store_file(st, id, "config", &config);

	json_set_i64(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST);
	json_set(doc, "config",
		 descriptor_of(docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG, id, config.len));
	json_set(doc, "layers", layers);
	if (!docker && annotations->n)
		json_set(doc, "annotations", json_from_map(annotations));
	if (r == 0)
		r = add_layers(st, diffids, docker ? MEDIA_DOCKER_LAYER : MEDIA_OCI_LAYER, layers);
	if (r == 0)
		json_write(doc, false, ret);
	return r;
}

char *local_digest(struct store *st, const char *id, const struct strv *diffids,
		   const char *manifest_type, const struct strv *annotations)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (local_manifest(st, id, diffids, manifest_type, annotations, &text) < 0) {
		err_drop();
		return NULL;
	}
	return digest_sha256_of(text.s, text.len);
}

/* "host/path" of "host/path:tag". */
static char *repository_of(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon && !strchr(colon, '/') ? xstrndup(name, (size_t)(colon - name))
					    : xstrdup(name);
}

void local_repo_digests(const struct strv *names, const char *digest, struct strv *ret)
{
	for (size_t i = 0; i < names->n; i++) {
		AUTO_FREE char *repository = repository_of(names->v[i]);
		AUTO_FREE char *full = xasprintf("%s@%s", repository, digest);

		if (!strchr(names->v[i], '@') && !strv_has(ret, full))
			strv_add(ret, full);
	}
}

int local_digest_find(struct store *st, const char *repository, const char *digest, char ret_id[65])
{
	AUTO_STRV struct strv refs = STRV_INIT, ids = STRV_INIT;
	int r = ref_pairs(st, &refs, &ids, NULL);

	for (size_t i = 0; r == 0 && i < refs.n; i++) {
		AUTO(image_summary_done) struct image_summary s = {0};
		AUTO_FREE char *own = repository_of(refs.v[i]), *has = NULL;

		if (strcmp(own, repository) != 0)
			continue;
		if (image_store_summary(st, ids.v[i], &s) < 0) {
			err_drop(); /* damaged, or removed right now */
			continue;
		}
		has = local_digest(st, s.id, &s.diffids, s.manifest_type, &s.annotations);
		if (has && strcmp(has, digest) == 0) {
			memcpy(ret_id, s.id, 65);
			return 0;
		}
	}
	return r < 0 ? r : err_new(-CE_NO_IMAGE, "%s@%s", repository, digest);
}
