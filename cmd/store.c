/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/sha256.h"
#include "pkg/config/ignored.h"
#include "pkg/container/record.h"
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

/* Once a store, like the above. */
static void say_once(int cache, const char *line)
{
	AUTO_FREE char *file = NULL;
	char hex[65];

	sha256_hex(line, strlen(line), hex);
	file = xasprintf("said-%.16s", hex);
	if (file_create(cache, file, "", 0, 0600, FILE_NO_SYNC) == 0)
		log_warn("%s (said once)", line);
}

void cmd_say_ignored(struct cmd_ctx *ctx)
{
	const struct strv *lines = conf_ignored_list();
	int cache = lines->n && ctx->store ? store_fd(ctx->store, STORE_CACHE) : -EBADF;

	for (size_t i = 0; cache >= 0 && i < lines->n; i++)
		say_once(cache, lines->v[i]);
	err_drop();
}

void cmd_say_shared(struct cmd_ctx *ctx, const struct container_record *rec)
{
	const struct {
		const char *value, *word, *line;
	} shared[] = {
		{rec->ns_pid, "host",
		 "--pid host: what runs in such a container sees all processes of this host and "
		 "can "
		 "send signals to all of yours"},
		{rec->ns_net, "host",
		 "--network host: what runs in such a container reaches what listens on this "
		 "host's "
		 "loopback addresses and abstract sockets"},
		{rec->ns_user, "host",
		 "--userns host: what runs in such a container is the owner of all your containers' "
		 "user namespaces, and may enter those whose processes it sees"},
		{rec->ns_ipc, "host",
		 "--ipc host: what runs in such a container has this host's shared memory and "
		 "message queues"},
		{rec->privileged ? NULL : rec->seccomp, "unconfined",
		 "seccomp=unconfined: what runs in such a container may ask the kernel for "
		 "anything"},
	};
	int cache = isatty(2) ? store_fd(ctx->store, STORE_CACHE) : -EBADF;

	for (size_t i = 0; cache >= 0 && i < ARRAY_LEN(shared); i++)
		if (shared[i].value && strcmp(shared[i].value, shared[i].word) == 0)
			say_once(cache, shared[i].line);
	err_drop();
}

int cmd_store_for_images(struct cmd_ctx *ctx, struct store **ret)
{
	int r = cmd_store(ctx, ret);

	if (r == 0)
		say_single_id(*ret);
	return r;
}
