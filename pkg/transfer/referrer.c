/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/referrer.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"

/* 1: @ret is the digest of what @doc is about. */
static int subject_of(struct json_object *doc, const char **ret)
{
	struct json_object *subject = NULL;
	int r = json_get_obj(doc, "subject", &subject);

	*ret = NULL;
	if (r == 0 && subject)
		r = json_get_str(subject, "digest", ret);
	if (r < 0 || !*ret)
		return r;
	return digest_is_valid(*ret) ? 1 : err_new(-CE_BAD_FORMAT, "subject: not a digest");
}

static int entry_of(struct json_object *doc, const struct referrer *f, struct json_object **ret)
{
	struct json_object *o = json_object_new_object(), *config = NULL, *annotations = NULL;
	const char *type = NULL;
	int r = json_get_str(doc, "artifactType", &type);

	if (r == 0)
		r = json_get_obj(doc, "config", &config);
	if (r == 0 && !type && config)
		r = json_get_str(config, "mediaType", &type);
	if (r == 0)
		r = json_get_obj(doc, "annotations", &annotations);
	json_set_str(o, "mediaType", f->media_type);
	json_set_str(o, "digest", f->digest);
	json_set_i64(o, "size", (int64_t)f->n);
	if (type)
		json_set_str(o, "artifactType", type);
	if (annotations)
		json_set(o, "annotations", json_object_get(annotations));
	*ret = o;
	return r;
}

static struct json_object *empty_index(void)
{
	struct json_object *o = json_object_new_object();

	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", MEDIA_OCI_INDEX);
	json_set(o, "manifests", json_object_new_array());
	return o;
}

/* What the registry has under the tag, or an empty one. */
static int load_index(struct registry *r, const char *tag, char **ret_etag,
		      struct json_object **ret)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO(manifest_done) struct manifest m = {0};
	int e = registry_find_manifest(r, tag, &p, &m);

	if (e == 0)
		*ret = empty_index();
	if (e <= 0)
		return e;
	if (!m.is_index)
		return err_new(-CE_BAD_FORMAT, "%s is no index", tag);
	if (m.n_children >= MANIFEST_CHILDREN_MAX)
		return err_new(-CE_LIMIT, "%s has %u entries", tag, m.n_children);
	/* A weak one never matches (RFC 9110, 13.1.1). */
	if (p.etag && *p.etag == '"')
		*ret_etag = xstrdup(p.etag);
	return json_parse(p.body.s, p.body.len, ret);
}

static bool lists(struct json_object *entries, const char *digest)
{
	for (size_t i = 0; i < json_object_array_length(entries); i++) {
		const char *d = NULL;

		if (json_get_str(json_object_array_get_idx(entries, i), "digest", &d) < 0)
			err_drop();
		if (d && strcmp(d, digest) == 0)
			return true;
	}
	return false;
}

void referrer_list_done(struct referrer_list *l)
{
	freep(&l->tag);
	freep(&l->etag);
	sbuf_done(&l->index);
}

int referrer_index(struct registry *r, const struct referrer *f, struct referrer_list *ret)
{
	AUTO_JSON struct json_object *doc = NULL, *index = NULL, *entry = NULL;
	struct json_object *entries = NULL;
	const char *subject;
	int e;

	if (!memmem(f->bytes, f->n, "\"subject\"", strlen("\"subject\"")))
		return 0;
	e = json_parse(f->bytes, f->n, &doc);
	if (e == 0)
		e = subject_of(doc, &subject);
	if (e <= 0)
		return e;
	/* Digests of sha512 are too long for a tag: the spec cuts them. */
	ret->tag = xasprintf("%.*s-%.64s", (int)strcspn(subject, ":"), subject,
			     digest_hex(subject));
	e = load_index(r, ret->tag, &ret->etag, &index);
	if (e == 0)
		e = json_get_arr(index, "manifests", &entries);
	if (e < 0 || lists(entries, f->digest))
		return e;
	e = entry_of(doc, f, &entry);
	if (e < 0)
		return e;
	(void)json_object_array_add(entries, json_object_get(entry));
	json_write(index, false, &ret->index);
	return 1;
}
