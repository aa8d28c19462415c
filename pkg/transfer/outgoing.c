/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/outgoing.h"

#include <string.h>

#include "pkg/archive/hash.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/transfer/chunked.h"

void outgoing_done(struct outgoing *o)
{
	if (o->leased)
		layer_lease_end(o->store, &o->lease);
	image_record_free(o->rec);
	sbuf_done(&o->manifest_raw);
	freep(&o->media_type);
	freep(&o->digest);
	manifest_done(&o->manifest);
	*o = (struct outgoing){.manifest_raw = SBUF_INIT};
}

bool outgoing_is_sent(const struct descriptor *layer)
{
	return !strstr(layer->media_type, "nondistributable") &&
	       !strstr(layer->media_type, ".foreign.");
}

static int hold(struct outgoing *o)
{
	int r = layer_lease_begin(o->store, &o->lease);

	o->leased = r == 0;
	for (size_t i = 0; r == 0 && i < o->rec->diffids.n; i++) {
		r = layer_lease_add(o->store, &o->lease, o->rec->diffids.v[i]);
		if (r == 0 && !layer_exists(o->store, o->rec->diffids.v[i]))
			r = err_new(-CE_CORRUPT, "layer %.12s is missing", o->rec->diffids.v[i]);
	}
	return r;
}

static bool is_docker(const char *media_type)
{
	return strncmp(media_type, "application/vnd.docker.", 23) == 0;
}

static bool is_compressed_as(const struct manifest *m, const char *compression)
{
	enum layer_media want = strcmp(compression, "gzip") == 0	? LAYER_MEDIA_GZIP
				: strncmp(compression, "zstd", 4) == 0 ? LAYER_MEDIA_ZSTD
								       : LAYER_MEDIA_TAR;
	bool chunked = strcmp(compression, "zstd:chunked") == 0;
	struct chunked c;

	for (unsigned i = 0; i < m->n_layers; i++)
		if (manifest_layer_media(m->layers[i].media_type) != want ||
		    (chunked &&
		     !chunked_of(&m->layers[i].annotations, m->layers[i].size, &c)))
			return false;
	return true;
}

/* A manifest from before the image was built once more, with others. */
static bool has_annotations(const struct manifest *m, const struct strv *want)
{
	for (size_t i = 0; m->media_type && !is_docker(m->media_type) && i < want->n; i++)
		if (!strv_has(&m->annotations, want->v[i]))
			return false;
	return true;
}

/* Is the manifest that is there what is asked for? */
static bool suits(const struct manifest *m, const struct transfer_form *f)
{
	if (m->is_index || f->level > 0)
		return false;
	if (f->format && (strcmp(f->format, "docker") == 0) != is_docker(m->media_type))
		return false;
	return !f->compression || is_compressed_as(m, f->compression);
}

int outgoing_open(struct transfer_ctx *ctx, const char *id, const char *digest,
		  const struct transfer_form *f, struct outgoing *o)
{
	int r;

	o->ctx = ctx;
	o->manifest_raw = (struct sbuf)SBUF_INIT;
	r = transfer_store(ctx, &o->store);
	if (r == 0)
		r = image_store_load(o->store, id, &o->rec);
	if (r == 0)
		r = hold(o);
	if (r < 0)
		return r;
	r = image_store_manifest(o->store, id, digest, &o->manifest_raw, &o->media_type,
				 &o->digest);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = manifest_parse(o->manifest_raw.s, o->manifest_raw.len, o->media_type,
				   &o->manifest);
	if (r < 0)
		return r;
	return suits(&o->manifest, f) && o->manifest.n_layers == o->rec->diffids.n &&
	       has_annotations(&o->manifest, &o->rec->annotations);
}

/* --- a new manifest ---------------------------------------------------------------------------- */

struct making {
	bool docker;
	enum out_format compression;
	int level;
};

static struct json_object *descriptor_of(const char *type, const char *digest, uint64_t size)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "mediaType", type);
	json_set_str(o, "digest", digest);
	json_set_i64(o, "size", (int64_t)size);
	return o;
}

static const char *layer_type(const struct making *m)
{
	switch (m->compression) {
	case OUT_PLAIN:
		return m->docker ? MEDIA_DOCKER_LAYER : MEDIA_OCI_LAYER;
	case OUT_GZIP:
		return m->docker ? MEDIA_DOCKER_LAYER_GZIP : MEDIA_OCI_LAYER_GZIP;
	default:
		return MEDIA_OCI_LAYER_ZSTD;
	}
}

/* The format of the manifest that is there counts where none is asked for; then OCI's. */
static int settle(const struct outgoing *o, const struct transfer_form *f, struct making *ret)
{
	const char *had = o->media_type ? o->media_type : o->rec->manifest_type;

	ret->docker = f->format ? strcmp(f->format, "docker") == 0 : had && is_docker(had);
	ret->compression = !f->compression || strcmp(f->compression, "gzip") == 0 ? OUT_GZIP
			   : strcmp(f->compression, "zstd") == 0                  ? OUT_ZSTD
			   : strcmp(f->compression, "zstd:chunked") == 0          ? OUT_CHUNKED
										  : OUT_PLAIN;
	ret->level = (int)f->level;
	if (ret->docker && (ret->compression == OUT_ZSTD || ret->compression == OUT_CHUNKED)) {
		if (f->format)
			return err_usage("Docker's manifests know no zstd layers: --format oci");
		ret->docker = false;
	}
	return 0;
}

static void keep_annotations(const struct outgoing *o, const struct making *m,
			     struct json_object *doc)
{
	const struct strv *a = o->rec->annotations.n ? &o->rec->annotations
						     : &o->manifest.annotations;

	if (!m->docker && a->n)
		json_set(doc, "annotations", json_from_map(a));
}

/* What was made replaces what was there. */
static int take(struct outgoing *o, struct json_object *doc, const char *type)
{
	sbuf_done(&o->manifest_raw);
	o->manifest_raw = (struct sbuf)SBUF_INIT;
	json_write(doc, false, &o->manifest_raw);
	freep(&o->media_type);
	freep(&o->digest);
	manifest_done(&o->manifest);
	o->manifest = (struct manifest){0};
	o->media_type = xstrdup(type);
	o->digest = hash_digest_of(o->manifest_raw.s, o->manifest_raw.len);
	o->made = true;
	return manifest_parse(o->manifest_raw.s, o->manifest_raw.len, type, &o->manifest);
}

static struct json_object *layer_descriptor(const struct making *m, const struct layer_blob *b)
{
	struct json_object *o = descriptor_of(layer_type(m), b->digest, b->size);

	if (b->annotations.n)
		json_set(o, "annotations", json_from_map(&b->annotations));
	return o;
}

/* The format is optional comfort: a layer that it cannot hold goes as it always could. */
static int blob_of(struct outgoing *o, unsigned i, const struct making *m, struct layer_blob *ret)
{
	bool single_id = o->ctx->req.single_id;
	int r = layer_blob_in(o->store, o->rec->diffids.v[i], single_id, m->compression, m->level,
			      ret);

	if (r != -CE_UNSUPPORTED || m->compression != OUT_CHUNKED)
		return r;
	report_message(o->ctx, true, "%s; sent as zstd", err_message(r));
	err_drop();
	return layer_blob_in(o->store, o->rec->diffids.v[i], single_id, OUT_ZSTD, m->level, ret);
}

static int make_layers(struct outgoing *o, const struct making *m, struct json_object *layers,
		       int (*each)(void *data, unsigned i, const struct layer_blob *b), void *data)
{
	for (unsigned i = 0; i < o->rec->diffids.n; i++) {
		struct layer_blob b = {.fd = -EBADF};
		int r = transfer_cancelled(o->ctx);

		if (r == 0)
			r = blob_of(o, i, m, &b);
		if (r == 0)
			(void)json_object_array_add(layers, layer_descriptor(m, &b));
		if (r == 0 && each)
			r = each(data, i, &b);
		layer_blob_done(&b);
		if (r < 0)
			return r;
	}
	return 0;
}

int outgoing_make(struct outgoing *o, const struct transfer_form *f,
		  int (*each)(void *data, unsigned i, const struct layer_blob *b), void *data)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	AUTO_FREE char *config = xasprintf("sha256:%s", o->rec->id);
	const char *type;
	struct making m;
	int r = settle(o, f, &m);

	type = m.docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
	json_set_i64(doc, "schemaVersion", 2);
	json_set_str(doc, "mediaType", type);
	json_set(doc, "config",
		 descriptor_of(m.docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG, config,
			       o->rec->config_len));
	json_set(doc, "layers", layers);
	if (r == 0)
		r = make_layers(o, &m, layers, each, data);
	if (r < 0)
		return r;
	keep_annotations(o, &m, doc);
	return take(o, doc, type);
}

int outgoing_remember(struct outgoing *o, const char *repo_digest)
{
	struct image_record rec = {.manifest = o->manifest_raw.s,
				   .manifest_len = o->manifest_raw.len,
				   .manifest_type = o->media_type,
				   .manifest_digest = o->digest,
				   .config = o->rec->config,
				   .config_len = o->rec->config_len,
				   .diffids = o->rec->diffids,
				   .size_bytes = o->rec->size_bytes,
				   .created_ns = o->rec->created_ns};
	int r;

	memcpy(rec.id, o->rec->id, sizeof(rec.id));
	if (repo_digest)
		strv_add(&rec.repo_digests, repo_digest);
	r = image_store_put(o->store, &rec);
	strv_done(&rec.repo_digests);
	return r;
}
