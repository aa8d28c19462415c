/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "storage/store.h"

int cmd_store(struct cmd_ctx *ctx, struct store **ret)
{
	const struct store_options o = {.root = ctx->root, .runroot = ctx->runroot};
	int r;

	if (!ctx->store) {
		r = store_open(&o, &ctx->store);
		if (r < 0)
			return r;
	}
	*ret = ctx->store;
	return 0;
}
