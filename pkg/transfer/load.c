/* SPDX-License-Identifier: MIT */
/*
 * The operation "load". In this order, so that nothing is visible before all is verified:
 * read the bundle, list its images, compare every layer of every image, commit the layers, then the
 * images, and names last.
 */
#include "pkg/transfer/load.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/archive/hash.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/put_told.h"
#include "pkg/transfer/trust.h"
#include "storage/layer.h"

struct load_image *load_image_new(struct load_images *l)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = (struct load_image){0};
	return &l->v[l->n++];
}

static void load_image_done(struct load_image *im)
{
	free(im->manifest_type);
	image_config_done(&im->parsed);
	strv_done(&im->members);
	strv_done(&im->media_types);
	strv_done(&im->names);
}

void load_images_keep(struct load_images *l, size_t index)
{
	struct load_image kept = l->v[index];

	for (size_t i = 0; i < l->n; i++)
		if (i != index)
			load_image_done(&l->v[i]);
	l->v[0] = kept;
	l->n = 1;
}

void load_images_done(struct load_images *l)
{
	for (size_t i = 0; i < l->n; i++)
		load_image_done(&l->v[i]);
	free(l->v);
	*l = (struct load_images){0};
}

int load_set_config(struct load_image *image, const struct sbuf *config)
{
	int r = image_config_parse(config->s, config->len, &image->parsed);

	if (r < 0)
		return err_wrap(r, "image config");
	image->config = config;
	hash_sha256_of(config->s, config->len, image->id);
	return 0;
}

/* --- verify ------------------------------------------------------------------------------------ */

static int verify_image(struct bundle *b, const struct load_image *im)
{
	const struct strv *diffids = &im->parsed.diffids;

	if (diffids->n != im->members.n)
		return err_new(-CE_BAD_FORMAT, "the config lists %zu layers, the archive %zu",
			       diffids->n, im->members.n);
	for (size_t i = 0; i < diffids->n; i++) {
		const char *name = im->members.v[i], *hex;
		struct layer_sink *s;
		int r = bundle_layer(b, name, &s);

		if (r < 0)
			return r;
		hex = bundle_blob_hex(b, name);
		if (hex && strcmp(hex, s->blob) != 0)
			return err_new(-CE_BAD_DIGEST, "%s", name);
		if (strcmp(s->result.diffid, diffids->v[i]) != 0)
			return err_new(-CE_BAD_DIGEST,
				       "layer %zu ('%.100s') against the image's config", i + 1,
				       name);
	}
	return 0;
}

static int verify_sizes(struct bundle *b, const struct load_image *im)
{
	struct manifest m = {0};
	int r;

	if (!im->manifest)
		return 0;
	r = manifest_parse(im->manifest->s, im->manifest->len, im->manifest_type, &m);
	for (unsigned i = 0; r == 0 && i < m.n_layers; i++) {
		struct layer_sink *s;

		r = bundle_layer(b, im->members.v[i], &s);
		if (r == 0 && s->bytes != m.layers[i].size)
			r = err_new(-CE_BAD_SIZE, "%s", im->members.v[i]);
	}
	manifest_done(&m);
	return r;
}

/* --- commit ------------------------------------------------------------------------------------ */

static int commit_layers(struct bundle *b, struct store *st, struct load_image *im,
			 struct layer_lease *lease)
{
	const struct strv *diffids = &im->parsed.diffids;

	im->size_bytes = 0;
	for (size_t i = 0; i < diffids->n; i++) {
		const char *type = im->media_types.n ? im->media_types.v[i] : NULL;
		struct layer_record rec = {0};
		struct layer_sink *s;
		int r = layer_lease_add(st, lease, diffids->v[i]);

		if (r == 0)
			r = bundle_layer(b, im->members.v[i], &s);
		if (r == 0)
			r = sink_commit(b->ctx, s, type, diffids, i);
		if (r == 0)
			r = layer_record_load(st, diffids->v[i], &rec);
		im->size_bytes += rec.tree_bytes;
		layer_record_done(&rec);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_image(struct store *st, struct load_image *im, const char *event)
{
	struct image_record rec = {
		.config = im->config->s,
		.config_len = im->config->len,
		.diffids = im->parsed.diffids,
		.size_bytes = im->size_bytes,
		.created_ns = im->parsed.created_ns,
		.names = im->names,
	};
	int r;

	memcpy(rec.id, im->id, sizeof(rec.id));
	if (im->manifest) {
		rec.manifest = im->manifest->s;
		rec.manifest_len = im->manifest->len;
		rec.manifest_type = im->manifest_type;
		rec.manifest_digest = im->manifest_digest;
	}
	r = layer_stack_make(st, &rec.diffids);
	return r < 0 ? r : image_put_told(st, &rec, event);
}

/* What each name points at now; "" when it is new. */
static void remember_names(struct store *st, const struct load_image *im, struct strv *ret_ids)
{
	for (size_t i = 0; i < im->names.n; i++) {
		char old[65] = "";

		if (ref_get(st, im->names.v[i], old) < 0)
			err_drop();
		strv_add(ret_ids, old);
	}
}

/* A name that pointed elsewhere is taken over, and said to be (L15). */
static void report_names(struct transfer_ctx *ctx, const struct load_image *im,
			 const struct strv *old)
{
	if (!im->names.n)
		report_image(ctx, NULL, im->id);
	for (size_t i = 0; i < im->names.n; i++) {
		if (*old->v[i] && strcmp(old->v[i], im->id) != 0)
			report_message(ctx, true, "%s pointed at %.12s and points at %.12s now",
				       im->names.v[i], old->v[i], im->id);
		report_image(ctx, im->names.v[i], im->id);
	}
}

/* No image is put before the layers of all are there: a load that fails changed nothing. */
static int commit(struct bundle *b, struct store *st, struct load_images *l,
		  const struct transfer_load *q)
{
	struct layer_lease lease = {0};
	int r = layer_lease_begin(st, &lease);

	for (size_t i = 0; r == 0 && i < l->n; i++)
		r = commit_layers(b, st, &l->v[i], &lease);
	if (r == 0 && q->layers && l->n) {
		const struct sbuf *config = l->v[l->n - 1].config;

		r = write_full(b->ctx->fds[1], config->s, config->len);
		r = r < 0 ? err_new(r, "hand the config over") : 0;
	}
	for (size_t i = 0; r == 0 && !q->layers && i < l->n; i++) {
		AUTO_STRV struct strv old = STRV_INIT;

		remember_names(st, &l->v[i], &old);
		r = put_image(st, &l->v[i], q->event);
		if (r == 0)
			report_names(b->ctx, &l->v[i], &old);
	}
	layer_lease_end(st, &lease);
	return r;
}

/* --- all --------------------------------------------------------------------------------------- */

static const char *transport_of(const struct bundle *b, bool oci)
{
	if (b->dir >= 0)
		return oci ? "oci" : "dir";
	return oci ? "oci-archive" : "docker-archive";
}

/* Docker writes both lists since version 25; the layout's keeps the manifest's digest. */
static int list_images(struct bundle *b, const struct transfer_load *q, struct load_images *ret)
{
	const struct sbuf *layout = NULL, *index = NULL, *list = NULL;
	struct platform want = {0};
	int r = bundle_document(b, "index.json", MANIFEST_BYTES_MAX, &index);

	if (r == 0)
		r = bundle_document(b, "oci-layout", 4096, &layout);
	if (r == 0)
		r = bundle_document(b, "manifest.json", 1U << 20, &list);
	if (r == 0)
		r = trust_check_file(q->policy, transport_of(b, index && layout), q->path);
	if (r < 0)
		return r;
	if (index && layout) {
		if (q->platform)
			r = platform_parse(q->platform, &want);
		else
			platform_host(&want);
		if (r == 0)
			r = load_list_oci(b, &want, q->entry, ret);
		platform_done(&want);
		return r;
	}
	if (!list)
		return err_new(-CE_BAD_FORMAT, "neither manifest.json nor an OCI layout is in it");
	/* An archive has a list of images there, podman's "dir" the manifest of one. */
	return b->dir >= 0 && list->s[strspn(list->s, " \t\r\n")] == '{'
		       ? load_list_dir(b, list, ret)
		       : load_list_docker(b, list, q->entry, ret);
}

static int load(struct bundle *b, struct store *st, const struct transfer_load *q)
{
	struct load_images images = {0};
	int r = list_images(b, q, &images);

	for (size_t i = 0; r == 0 && i < images.n; i++) {
		r = verify_image(b, &images.v[i]);
		if (r == 0)
			r = verify_sizes(b, &images.v[i]);
	}
	if (r == 0)
		r = transfer_cancelled(b->ctx);
	if (r == 0)
		r = commit(b, st, &images, q);
	load_images_done(&images);
	return r;
}

int transfer_op_load(struct transfer_ctx *ctx)
{
	struct bundle b = {.dir = -EBADF};
	struct transfer_load q;
	struct store *st;
	int r = transfer_load_get(&ctx->req, &q);

	if (r == 0 && ctx->n_fds != (q.layers ? 2 : 1))
		r = err_new(-CE_PROTOCOL, "load without an archive");
	if (r == 0)
		r = transfer_store(ctx, &st);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	r = bundle_open(ctx, ctx->fds[0], &b);
	if (r == 0)
		r = load(&b, st, &q);
	bundle_done(&b);
	if (r == 0)
		layer_settle_later(st);
	return r;
}
