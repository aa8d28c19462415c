/* SPDX-License-Identifier: MIT */
/* OCI layout (image-spec image-layout.md): index.json, then blobs by digest, every one compared. */
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/archive/hash.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/reference.h"
#include "pkg/transfer/load.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define CONTAINERD_NAME "io.containerd.image.name"
#define DEPTH_MAX 4

static char *blob_name(const char *digest)
{
	return xasprintf("blobs/%.6s/%s", digest, digest_hex(digest));
}

static int blob_document(struct bundle *b, const struct descriptor *d,
			 char *(*name_of)(const char *digest), const struct sbuf **ret)
{
	AUTO_FREE char *name = NULL;
	const struct sbuf *doc = NULL;
	char hex[65];
	int r;

	if (strncmp(d->digest, "sha256:", 7) != 0)
		return err_new(-CE_UNSUPPORTED, "digest %.80s", d->digest);
	name = name_of(d->digest);
	r = bundle_document(b, name, MANIFEST_BYTES_MAX, &doc);
	if (r == 0 && !doc)
		r = err_new(-CE_BAD_FORMAT, "%s is missing", name);
	if (r < 0)
		return r;
	if (doc->len != d->size)
		return err_new(-CE_BAD_SIZE, "%s", name);
	hash_sha256_of(doc->s, doc->len, hex);
	if (strcmp(hex, digest_hex(d->digest)) != 0)
		return err_new(-CE_BAD_DIGEST, "%s", name);
	*ret = doc;
	return 0;
}

/*
 * A name out of annotations. containerd and docker write the whole one; in ref.name alone, "latest"
 * or "v1" is a tag of nothing and must not become anybody's image (L15). Short names are local, as
 * in podman: an archive cannot claim docker.io/library.
 */
static int add_name(struct load_image *image, const struct strv *annotations)
{
	const char *name = strv_env_get(annotations, CONTAINERD_NAME);
	struct reference ref = {0};
	int r;

	if (!name)
		name = strv_env_get(annotations, REF_NAME);
	if (!name || (!strchr(name, '/') && !strchr(name, ':')))
		return 0;
	r = reference_parse(name, &ref);
	if (r == 0 && ref.digest)
		r = err_new(-CE_BAD_FORMAT, "a digest is not a tag");
	if (r < 0)
		return err_wrap(r, "image name '%.200s'", name);
	if (!ref.host)
		ref.host = xstrdup("localhost");
	reference_normalise(&ref);
	strv_take(&image->names, reference_text(&ref));
	reference_done(&ref);
	return 0;
}

int load_set_manifest(struct bundle *b, const struct manifest *m, const struct sbuf *raw,
		      const char *digest, char *(*name_of)(const char *digest),
		      struct load_image *image)
{
	const struct sbuf *config = NULL;
	int r;

	if (!manifest_is_config(m->config.media_type))
		return err_new(-CE_UNSUPPORTED, "%.100s is not a container image",
			       m->config.media_type);
	r = blob_document(b, &m->config, name_of, &config);
	if (r == 0)
		r = load_set_config(image, config);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < m->n_layers; i++) {
		if (strncmp(m->layers[i].digest, "sha256:", 7) != 0)
			return err_new(-CE_UNSUPPORTED, "digest %.80s", m->layers[i].digest);
		if (manifest_layer_media(m->layers[i].media_type) == LAYER_MEDIA_UNKNOWN)
			return err_new(-CE_UNSUPPORTED, "layer of type %.100s",
				       m->layers[i].media_type);
		strv_take(&image->members, name_of(m->layers[i].digest));
		strv_add(&image->media_types, m->layers[i].media_type);
	}
	image->manifest = raw;
	image->manifest_type = xstrdup(m->media_type);
	(void)snprintf(image->manifest_digest, sizeof(image->manifest_digest), "%s", digest);
	return 0;
}

/* Follow one descriptor down through indexes to an image. */
static int follow(struct bundle *b, const struct descriptor *d, const struct platform *want,
		  const struct strv *annotations, struct load_images *ret, int depth)
{
	const struct descriptor *child = NULL;
	struct manifest m = {0};
	const struct sbuf *raw = NULL;
	int r = blob_document(b, d, blob_name, &raw);

	if (r == 0)
		r = manifest_parse(raw->s, raw->len, d->media_type, &m);
	if (r < 0)
		return r;
	if (!m.is_index) {
		struct load_image *image = load_image_new(ret);

		r = load_set_manifest(b, &m, raw, d->digest, blob_name, image);
		if (r == 0)
			r = add_name(image, annotations);
	} else {
		r = depth == DEPTH_MAX ? err_new(-CE_BAD_FORMAT, "indexes inside indexes")
				       : manifest_choose(&m, want, &child);
		if (r == 0)
			r = follow(b, child, want, annotations, ret, depth + 1);
	}
	manifest_done(&m);
	return r;
}

static bool has_name(const struct descriptor *d)
{
	return strv_env_get(&d->annotations, REF_NAME) ||
	       strv_env_get(&d->annotations, CONTAINERD_NAME);
}

/*
 * Every named entry is an image; without names, the one for this platform. One that is not whole refuses
 * them all: nobody is left with half of what an archive says it has.
 */
static int follow_index(struct bundle *b, const struct manifest *index, const struct platform *want,
			struct load_images *ret)
{
	const struct descriptor *d = NULL;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < index->n_children; i++)
		if (has_name(&index->children[i]))
			r = follow(b, &index->children[i], want, &index->children[i].annotations,
				   ret, 0);
	if (r < 0 || ret->n)
		return r;
	r = manifest_choose(index, want, &d);
	return r < 0 ? r : follow(b, d, want, &d->annotations, ret, 0);
}

/* By digest, or by a name that is the tag or ends in it. */
static bool is_entry(const struct descriptor *d, const char *entry)
{
	const char *name = strv_env_get(&d->annotations, REF_NAME);
	const char *colon = name ? strrchr(name, ':') : NULL;

	return strcmp(entry[0] == '@' ? entry + 1 : entry, d->digest) == 0 ||
	       (name && (strcmp(name, entry) == 0 || (colon && strcmp(colon + 1, entry) == 0)));
}

/* Whoever typed a tag of nothing gets that as a name, as with podman; whoever typed a digest gets none. */
static int name_after(struct load_images *l, const char *entry)
{
	struct load_image *image = &l->v[l->n - 1];
	AUTO(reference_done) struct reference ref = {0};
	int r;

	if (image->names.n || strchr(entry, '@') || strncmp(entry, "sha256:", 7) == 0)
		return 0;
	r = reference_parse(entry, &ref);
	if (r < 0)
		return r;
	if (!ref.host)
		ref.host = xstrdup("localhost");
	reference_normalise(&ref);
	strv_take(&image->names, reference_text(&ref));
	return 0;
}

static int follow_entry(struct bundle *b, const struct manifest *index, const struct platform *want,
			const char *entry, struct load_images *ret)
{
	const struct descriptor *d = index->n_children == 1 ? index->children : NULL;
	int r = 0;

	for (unsigned i = 0; *entry && i < index->n_children; i++) {
		if (!is_entry(&index->children[i], entry))
			continue;
		r = follow(b, &index->children[i], want, &index->children[i].annotations, ret, 0);
		return r < 0 ? r : name_after(ret, entry);
	}
	if (*entry)
		return err_new(-CE_NO_IMAGE, "it has no '%s'", entry);
	for (unsigned i = 0; !d && i < index->n_children; i++)
		if (has_name(&index->children[i]))
			return err_new(-CE_AMBIGUOUS, "it has several: which one is said after "
						      "another colon");
	if (!d)
		r = manifest_choose(index, want, &d);
	return r < 0 ? r : follow(b, d, want, &d->annotations, ret, 0);
}

int load_list_oci(struct bundle *b, const struct platform *want, const char *entry,
		  struct load_images *ret)
{
	const struct sbuf *doc = NULL;
	struct manifest index = {0};
	int r = bundle_document(b, "index.json", MANIFEST_BYTES_MAX, &doc);

	if (r == 0)
		r = manifest_parse(doc->s, doc->len, MEDIA_OCI_INDEX, &index);
	if (r == 0)
		r = entry ? follow_entry(b, &index, want, entry, ret)
			  : follow_index(b, &index, want, ret);
	manifest_done(&index);
	return r < 0 ? err_wrap(r, "index.json") : 0;
}
