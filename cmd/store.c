/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sha256.h"
#include "pkg/config/ignored.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/file.h"
#include "storage/store.h"

int cmd_store(struct cmd_ctx *ctx, struct store **ret)
{
	const struct store_options o = {
		.root = ctx->root, .runroot = ctx->runroot, .driver = ctx->driver};
	int r;

	if (!ctx->store) {
		r = store_open(&o, &ctx->store);
		if (r < 0)
			return r;
		if (store_notice(ctx->store))
			(void)fprintf(stderr, "cuddy: %s\n", store_notice(ctx->store));
	}
	*ret = ctx->store;
	return 0;
}

#define SAID "said-single-id"

/*
 * Without subordinate ids much works, and what does not fails late and far from the cause: it is
 * said once a store. Nothing here is worth an error: whoever needs the ids finds that out himself.
 */
static void say_single_id(struct store *st)
{
	AUTO(base_grant_done) struct base_grant g = {0};
	AUTO_FREE char *hint = NULL;
	int cache;

	if (base_grant_load(&g) < 0 || !base_grant_is_single(&g))
		goto out;
	cache = store_fd(st, STORE_CACHE);
	if (cache < 0 || file_create(cache, SAID, "", 0, 0600, FILE_NO_SYNC) < 0)
		goto out;
	hint = base_single_hint(&g);
	(void)fprintf(stderr, "cuddy: warning: %s\n", hint);
out:
	err_drop();
}

/* Once a store and key, like the above. */
void cmd_say_ignored(struct cmd_ctx *ctx)
{
	const struct strv *lines = conf_ignored_list();
	int cache = lines->n && ctx->store ? store_fd(ctx->store, STORE_CACHE) : -EBADF;

	for (size_t i = 0; cache >= 0 && i < lines->n; i++) {
		AUTO_FREE char *file = NULL;
		char hex[65];

		sha256_hex(lines->v[i], strlen(lines->v[i]), hex);
		file = xasprintf("said-%.16s", hex);
		if (file_create(cache, file, "", 0, 0600, FILE_NO_SYNC) == 0)
			(void)fprintf(stderr, "cuddy: warning: %s (said once)\n", lines->v[i]);
	}
	err_drop();
}

int cmd_store_for_images(struct cmd_ctx *ctx, struct store **ret)
{
	int r = cmd_store(ctx, ret);

	if (r == 0)
		say_single_id(*ret);
	return r;
}
