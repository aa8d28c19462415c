/* SPDX-License-Identifier: MIT */
/* "manifest inspect --verbose": each image's manifest with what is said of it, as docker prints it. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/image/manifest_list_internal.h"
#include "pkg/json/json.h"

static struct json_object *platform_of(const struct platform *p)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "architecture", p->architecture ? p->architecture : "");
	json_set_str(o, "os", p->os ? p->os : "");
	if (p->variant)
		json_set_str(o, "variant", p->variant);
	if (p->os_version)
		json_set_str(o, "os.version", p->os_version);
	if (p->os_features.n)
		json_set(o, "os.features", json_from_strv(&p->os_features));
	return o;
}

/* @name: without a digest, or with the one it was asked for by. */
static int describe(const char *name, const struct found_manifest *f, const struct sbuf *raw,
		    bool in_list, struct json_object **ret)
{
	bool docker = strncmp(f->media_type, "application/vnd.docker.", 23) == 0;
	struct json_object *o = json_object_new_object(), *d = json_object_new_object();
	AUTO_FREE char *ref = in_list ? xasprintf("%.*s@%s", (int)strcspn(name, "@"), name,
						  f->digest)
				      : xstrdup(name);
	AUTO_FREE char *text = base64_encode(raw->s, raw->len);
	struct json_object *doc = NULL;
	int r = json_parse(raw->s, raw->len, &doc);

	json_set_str(d, "mediaType", f->media_type);
	json_set_str(d, "digest", f->digest);
	json_set_i64(d, "size", (int64_t)raw->len);
	if (f->platform.os)
		json_set(d, "platform", platform_of(&f->platform));
	if (f->artifact_type)
		json_set_str(d, "artifactType", f->artifact_type);
	json_set_str(o, "Ref", ref);
	json_set(o, "Descriptor", d);
	json_set_str(o, "Raw", text);
	json_set(o, docker ? "SchemaV2Manifest" : "OCIManifest", doc);
	*ret = o;
	return r;
}

static int bytes_of(struct store *st, const struct found_manifest *f,
		    const struct transfer_access *a, struct sbuf *ret)
{
	AUTO_FREE char *type = NULL, *digest = NULL, *name = NULL;
	struct transfer_access access = *a;
	int r;

	if (f->artifact) {
		sbuf_adds(ret, f->artifact);
		return 0;
	}
	if (f->image) {
		r = image_store_manifest(st, f->image, f->digest, ret, &type, &digest);
		return r == -ENOENT ? err_new(-CE_CORRUPT, "image %.12s has lost its manifest",
					      f->image)
				    : r;
	}
	if (f->insecure)
		access.tls_verify = 0;
	name = xasprintf("%s@%s", f->source, f->digest);
	return manifest_bytes(name, &access, ret);
}

int list_inspect_verbose(struct store *st, const char *typed, const struct transfer_access *a,
			 struct json_object **ret)
{
	AUTO(found_manifests_done) struct found_manifests found = {0};
	AUTO_JSON struct json_object *all = json_object_new_array();
	AUTO_FREE char *name = NULL;
	const struct list_source s = {.image = typed, .all = true, .access = *a};
	bool is_list = false;
	int r = manifests_under(st, &s, &found, &name, &is_list);

	for (size_t i = 0; r == 0 && i < found.n; i++) {
		AUTO_SBUF struct sbuf raw = SBUF_INIT;
		struct json_object *one = NULL;

		r = bytes_of(st, &found.v[i], a, &raw);
		if (r == 0) {
			r = describe(name, &found.v[i], &raw, is_list, &one);
			(void)json_object_array_add(all, one);
		}
	}
	if (r == 0 && !is_list)
		*ret = json_object_get(json_object_array_get_idx(all, 0));
	else if (r == 0)
		*ret = TAKE_PTR(all);
	return r;
}
