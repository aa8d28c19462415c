/* SPDX-License-Identifier: MIT */
/* The operation "sign": simple signatures for an image that its registry has. */
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/places.h"
#include "pkg/transfer/sign.h"

struct sign {
	struct transfer_ctx *ctx;
	struct transfer_sign_image args;
	struct reference to;
	struct signing signing;
	struct places places;
};

static void sign_done(struct sign *s)
{
	places_done(&s->places);
	signing_done(&s->signing);
	reference_done(&s->to);
}

static int put_one(struct sign *s, const char *digest)
{
	return signing_simple(s->ctx, &s->signing, &s->to, digest);
}

static int put_all(struct sign *s, const struct manifest *m)
{
	int r = m->is_index ? 0
			    : err_usage("--all: %s is one image, no list of images; leave --all out",
					s->args.name);

	for (unsigned i = 0; r == 0 && i < m->n_children; i++)
		r = put_one(s, m->children[i].digest);
	return r;
}

static int look_at(void *data, struct registry *r, const char *name)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_FREE char *digest = NULL;
	struct sign *s = data;
	int e = registry_manifest(r, places_reference(&s->places), &p, &digest);

	(void)name;
	if (e == 0)
		e = manifest_parse(p.body.s, p.body.len, p.content_type, &m);
	if (e < 0)
		return e;
	return s->args.all ? put_all(s, &m) : put_one(s, digest);
}

int transfer_op_sign(struct transfer_ctx *ctx)
{
	AUTO(sign_done) struct sign s = {.ctx = ctx, .signing = SIGNING_INIT};
	struct registry_options o = {0};
	int r = transfer_sign_image_get(&ctx->req, &s.args);

	if (r == 0)
		r = reference_parse(s.args.name, &s.to);
	if (r == 0)
		r = signing_open(&s.args.sign, &s.to, &s.signing);
	o.access = s.args.access;
	if (r == 0 && !s.args.digest)
		r = places_open(s.args.name, &o, &s.places);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	if (s.args.digest)
		return put_one(&s, s.args.digest);
	(void)http_set_cancel(s.places.http, ctx->channel);
	return places_try(&s.places, ctx, look_at, &s);
}
