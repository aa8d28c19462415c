/* SPDX-License-Identifier: MIT */
/* The operation "unpack": an archive, for ADD of a build, becomes a layer without an image. */
#include "pkg/base/err.h"
#include "pkg/transfer/layer_sink.h"
#include "pkg/transfer/noexec.h"

static int commit(struct transfer_ctx *ctx, struct store *st, struct layer_sink *s)
{
	static const struct strv none = STRV_INIT;
	struct layer_lease lease = {0};
	int r;

	if (s->result.links.n)
		return err_new(-CE_BAD_FORMAT, "a hard link to %s, which the archive does not hold",
			       s->result.links.v[1]);
	r = layer_lease_begin(st, &lease);
	if (r == 0)
		r = layer_lease_add(st, &lease, s->result.diffid);
	if (r == 0)
		r = sink_commit(ctx, s, NULL, &none, 0);
	if (r == 0)
		report_image(ctx, NULL, s->result.diffid);
	layer_lease_end(st, &lease);
	return r;
}

int transfer_op_unpack(struct transfer_ctx *ctx)
{
	struct layer_sink s = {0};
	struct store *st;
	int r = transfer_store(ctx, &st);

	if (r == 0 && ctx->n_fds != 1)
		r = err_new(-CE_PROTOCOL, "unpack without an archive");
	if (r == 0)
		r = noexec_enter();
	if (r == 0)
		r = sink_open(ctx, &s, LAYER_DETECT, false);
	if (r == 0)
		r = sink_feed(ctx, &s);
	if (r == 0)
		r = commit(ctx, st, &s);
	sink_done(ctx, &s);
	return r;
}
