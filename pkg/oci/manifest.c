/* SPDX-License-Identifier: MIT */
#include "pkg/oci/manifest.h"

#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"

#define ANNOTATIONS_MAX 1000

static void descriptor_done(struct descriptor *d)
{
	free(d->media_type);
	free(d->digest);
	free(d->artifact_type);
	platform_done(&d->platform);
	strv_done(&d->annotations);
}

void manifest_done(struct manifest *m)
{
	free(m->media_type);
	free(m->artifact_type);
	strv_done(&m->annotations);
	descriptor_done(&m->config);
	for (unsigned i = 0; i < m->n_layers; i++)
		descriptor_done(&m->layers[i]);
	for (unsigned i = 0; i < m->n_children; i++)
		descriptor_done(&m->children[i]);
	free(m->layers);
	free(m->children);
	memset(m, 0, sizeof(*m));
}

static char *copy_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static bool is_index_type(const char *t)
{
	return strcmp(t, MEDIA_OCI_INDEX) == 0 || strcmp(t, MEDIA_DOCKER_LIST) == 0;
}

static bool is_manifest_type(const char *t)
{
	return strcmp(t, MEDIA_OCI_MANIFEST) == 0 || strcmp(t, MEDIA_DOCKER_MANIFEST) == 0;
}

bool manifest_is_config(const char *t)
{
	return strcmp(t, MEDIA_OCI_CONFIG) == 0 || strcmp(t, MEDIA_DOCKER_CONFIG) == 0;
}

enum layer_media manifest_layer_media(const char *t)
{
	static const struct {
		const char *type;
		enum layer_media media;
	} types[] = {
		{MEDIA_OCI_LAYER, LAYER_MEDIA_TAR},
		{MEDIA_OCI_LAYER_GZIP, LAYER_MEDIA_GZIP},
		{MEDIA_OCI_LAYER_ZSTD, LAYER_MEDIA_ZSTD},
		{MEDIA_DOCKER_LAYER, LAYER_MEDIA_TAR},
		{MEDIA_DOCKER_LAYER_GZIP, LAYER_MEDIA_GZIP},
		{"application/vnd.docker.image.rootfs.diff.tar.zstd", LAYER_MEDIA_ZSTD},
		{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", LAYER_MEDIA_GZIP},
		{"application/vnd.docker.image.rootfs.foreign.diff.tar", LAYER_MEDIA_TAR},
		{"application/vnd.oci.image.layer.nondistributable.v1.tar", LAYER_MEDIA_TAR},
		{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", LAYER_MEDIA_GZIP},
		{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", LAYER_MEDIA_ZSTD},
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(t, types[i].type) == 0)
			return types[i].media;
	return LAYER_MEDIA_UNKNOWN;
}

static bool is_known_key(const char *k, const char *const *known)
{
	for (; *known; known++)
		if (strcmp(k, *known) == 0)
			return true;
	return false;
}

/* Readers that ignore case would see another document in "Layers" than we do (G07). */
static int check_spelling(struct json_object *o, const char *const *known)
{
	json_object_object_foreach(o, key, value)
	{
		(void)value;
		if (is_known_key(key, known))
			continue;
		for (const char *const *k = known; *k; k++)
			if (strcasecmp(key, *k) == 0)
				return err_new(-CE_BAD_FORMAT,
					       "key \"%s\" is another spelling of \"%s\"", key, *k);
	}
	return 0;
}

static bool has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

static int parse_platform(struct json_object *o, struct platform *p)
{
	static const char *const keys[] = {"os",         "architecture", "variant",
					   "os.version", "os.features",  NULL};
	const char *os = NULL, *arch = NULL, *variant = NULL, *version = NULL;
	int r = check_spelling(o, keys);

	if (r == 0)
		r = json_get_str(o, "os", &os);
	if (r == 0)
		r = json_get_str(o, "architecture", &arch);
	if (r == 0)
		r = json_get_str(o, "variant", &variant);
	if (r == 0)
		r = json_get_str(o, "os.version", &version);
	if (r == 0)
		r = json_get_strv(o, "os.features", &p->os_features);
	p->os = copy_or_null(os);
	p->architecture = copy_or_null(arch);
	p->variant = copy_or_null(variant);
	p->os_version = copy_or_null(version);
	return r;
}

static int parse_descriptor(struct json_object *o, struct descriptor *d)
{
	static const char *const keys[] = {"mediaType",    "digest",      "size",
					   "urls",         "annotations", "data",
					   "artifactType", "platform",    NULL};
	const char *type = NULL, *digest = NULL, *artifact = NULL;
	struct json_object *platform = NULL;
	int64_t size = -1;
	int r;

	if (!json_object_is_type(o, json_type_object))
		return err_new(-CE_BAD_FORMAT, "a descriptor is not an object");
	r = check_spelling(o, keys);
	if (r == 0)
		r = json_get_str(o, "mediaType", &type);
	if (r == 0)
		r = json_get_str(o, "digest", &digest);
	if (r == 0)
		r = json_get_str(o, "artifactType", &artifact);
	if (r == 0)
		r = json_get_i64(o, "size", &size);
	if (r == 0)
		r = json_get_obj(o, "platform", &platform);
	if (r == 0)
		r = json_get_map(o, "annotations", &d->annotations);
	if (r == 0 && d->annotations.n > ANNOTATIONS_MAX)
		r = err_new(-CE_LIMIT, "more than %d annotations", ANNOTATIONS_MAX);
	if (r == 0 && (!type || !*type))
		r = err_new(-CE_BAD_FORMAT, "a descriptor has no media type");
	if (r == 0 && (!digest || !digest_is_valid(digest)))
		r = err_new(-CE_BAD_FORMAT, "'%s' is not a digest", digest ? digest : "");
	if (r == 0 && size < 0)
		r = err_new(-CE_BAD_FORMAT, "a descriptor has no size");
	if (r < 0)
		return r;
	d->media_type = xstrdup(type);
	d->digest = xstrdup(digest);
	d->size = (uint64_t)size;
	d->artifact_type = copy_or_null(artifact);
	d->has_platform = platform != NULL;
	return platform ? parse_platform(platform, &d->platform) : 0;
}

static int parse_list(struct json_object *o, const char *key, unsigned max, struct descriptor **ret,
		      unsigned *ret_n)
{
	struct json_object *list = NULL;
	int r = json_get_arr(o, key, &list);
	size_t n;

	if (r < 0)
		return r;
	if (!list)
		return err_new(-CE_BAD_FORMAT, "no \"%s\"", key);
	n = json_object_array_length(list);
	if (n > max)
		return err_new(-CE_LIMIT, "%zu %s, at most %u are read", n, key, max);
	*ret = xcalloc(n + 1, sizeof(**ret));
	*ret_n = (unsigned)n;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = parse_descriptor(json_object_array_get_idx(list, i), &(*ret)[i]);
	return r < 0 ? err_wrap(r, "%s", key) : 0;
}

/* Which of the four it is: what it calls itself, what it was delivered as, and its shape must agree. */
static int find_type(struct json_object *o, const char *content_type, char **ret)
{
	AUTO_FREE char *delivered = NULL;
	const char *own = NULL, *type;
	bool list = has(o, "manifests");
	int r = json_get_str(o, "mediaType", &own);

	if (r < 0)
		return r;
	if (content_type) {
		delivered = xstrndup(content_type, strcspn(content_type, "; \t"));
		for (char *c = delivered; *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c + ('a' - 'A'));
	}
	if (has(o, "fsLayers") || has(o, "signatures") ||
	    (delivered && strstr(delivered, "distribution.manifest.v1+")))
		return err_new(-CE_UNSUPPORTED,
			       "a manifest of Docker schema 1; push the image again with a tool of "
			       "this decade");
	if (list && (has(o, "layers") || has(o, "config")))
		return err_new(-CE_BAD_FORMAT, "the document is a manifest and an index at once");
	if (own && delivered && strcmp(own, delivered) != 0)
		return err_new(-CE_BAD_FORMAT,
			       "the document calls itself %s and was delivered as %s", own,
			       delivered);
	type = own ? own : delivered;
	if (!type)
		type = list ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST;
	if (!is_index_type(type) && !is_manifest_type(type))
		return err_new(-CE_BAD_FORMAT, "%s is neither a manifest nor an index", type);
	if (is_index_type(type) != list)
		return err_new(-CE_BAD_FORMAT,
			       "the document is called %s and does not look like it", type);
	*ret = xstrdup(type);
	return 0;
}

static int parse_image(struct json_object *o, struct manifest *m)
{
	struct json_object *config = NULL;
	int r = json_get_obj(o, "config", &config);

	if (r == 0 && !config)
		r = err_new(-CE_BAD_FORMAT, "no \"config\"");
	if (r == 0)
		r = parse_descriptor(config, &m->config);
	return r == 0 ? parse_list(o, "layers", MANIFEST_LAYERS_MAX, &m->layers, &m->n_layers) : r;
}

static int parse_document(struct json_object *o, const char *content_type, struct manifest *m)
{
	static const char *const keys[] = {"schemaVersion", "mediaType",   "artifactType",
					   "config",        "layers",      "manifests",
					   "subject",       "annotations", NULL};
	const char *artifact = NULL;
	int64_t version = 0;
	int r;

	if (!json_object_is_type(o, json_type_object))
		return err_new(-CE_BAD_FORMAT, "not an object");
	r = check_spelling(o, keys);
	if (r == 0)
		r = find_type(o, content_type, &m->media_type);
	if (r == 0)
		r = json_get_i64(o, "schemaVersion", &version);
	if (r == 0 && version != 2)
		r = err_new(-CE_UNSUPPORTED, "schema version %lld", (long long)version);
	if (r == 0)
		r = json_get_str(o, "artifactType", &artifact);
	if (r == 0)
		r = json_get_map(o, "annotations", &m->annotations);
	if (r < 0)
		return r;
	m->artifact_type = copy_or_null(artifact);
	m->is_index = is_index_type(m->media_type);
	if (m->is_index)
		return parse_list(o, "manifests", MANIFEST_CHILDREN_MAX, &m->children,
				  &m->n_children);
	return parse_image(o, m);
}

int manifest_parse(const char *json, size_t n, const char *content_type, struct manifest *ret)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_JSON struct json_object *o = NULL;
	int r;

	if (n > MANIFEST_BYTES_MAX)
		return err_new(-CE_LIMIT, "a manifest of %zu bytes, at most %lu are read", n,
			       MANIFEST_BYTES_MAX);
	r = json_parse(json, n, &o);
	if (r == 0)
		r = parse_document(o, content_type, &m);
	if (r < 0)
		return err_wrap(r, "manifest");
	*ret = m;
	memset(&m, 0, sizeof(m));
	return 0;
}
