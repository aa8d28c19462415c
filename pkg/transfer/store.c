/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/transfer.h"

int transfer_store(struct transfer_ctx *ctx, struct store **ret)
{
	struct store_options o = {.root = ctx->req.root, .runroot = ctx->req.runroot};
	int r = 0;

	if (!ctx->store)
		r = store_open(&o, &ctx->store);
	if (r == 0)
		*ret = ctx->store;
	return r;
}
