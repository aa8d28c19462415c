/* SPDX-License-Identifier: MIT */
/* The operations "manifest" (what a registry has under a name) and "prepare" (a manifest for an image made here). */
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/outgoing.h"
#include "pkg/transfer/places.h"

struct look {
	struct transfer_ctx *ctx;
	struct transfer_manifest args;
	struct places places;
};

static void look_done(struct look *l)
{
	places_done(&l->places);
}

static int hand_over(struct look *l, unsigned which, const void *p, size_t n)
{
	int r = which < l->ctx->n_fds ? write_full(l->ctx->fds[which], p, n) : 0;

	return r < 0 ? err_new(r, "hand the manifest over") : 0;
}

static int look_at(void *data, struct registry *r, const char *name)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	AUTO_FREE char *digest = NULL, *full = NULL;
	struct look *l = data;
	int e = registry_manifest(r, places_reference(&l->places), &p, &digest);

	if (e == 0)
		e = manifest_parse(p.body.s, p.body.len, p.content_type, &m);
	if (e == 0 && !m.is_index && manifest_is_config(m.config.media_type))
		e = registry_document(r, m.config.digest, m.config.size, &config);
	if (e == 0)
		e = hand_over(l, 0, p.body.s, p.body.len);
	if (e == 0 && config.len)
		e = hand_over(l, 1, config.s, config.len);
	if (e < 0)
		return e;
	full = xasprintf("%s@%s", name, digest);
	report_image(l->ctx, full, m.media_type);
	return 0;
}

int transfer_op_manifest(struct transfer_ctx *ctx)
{
	AUTO(look_done) struct look l = {.ctx = ctx};
	struct registry_options o = {0};
	int r = transfer_manifest_get(&ctx->req, &l.args);

	o.access = l.args.access;
	if (r == 0)
		r = places_open(l.args.name, &o, &l.places);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	(void)http_set_cancel(l.places.http, ctx->channel);
	return places_try(&l.places, ctx, look_at, &l);
}

int transfer_op_prepare(struct transfer_ctx *ctx)
{
	AUTO(outgoing_done) struct outgoing o = {.manifest_raw = SBUF_INIT};
	const struct transfer_form as_it_is = {0};
	struct transfer_prepare args;
	int r = transfer_prepare_get(&ctx->req, &args);

	if (r == 0)
		r = outgoing_open(ctx, args.id, NULL, &as_it_is, &o);
	if (r == 0)
		r = outgoing_make(&o, &as_it_is, NULL, NULL);
	if (r >= 0 && o.made)
		r = outgoing_remember(&o, NULL);
	if (r >= 0)
		report_image(ctx, NULL, o.digest);
	return r < 0 ? r : 0;
}
