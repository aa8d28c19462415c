/* SPDX-License-Identifier: MIT */
/* The operation "login": are these credentials good at that registry? Nothing is kept. */
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/registry.h"
#include "pkg/transfer/transfer.h"

static int login(struct transfer_ctx *ctx, const struct transfer_login *l, const struct endpoint *e)
{
	AUTO(http_freep) struct http *http = NULL;
	AUTO(registry_close) struct registry r = {0};
	AUTO(credential_done) struct credential given = {0};
	struct registry_options o = {.access = l->access, .credential = &given};
	int err = http_new(&http);

	given.user = l->user ? xstrdup(l->user) : NULL;
	given.password = l->password ? xstrdup(l->password) : NULL;
	given.identity_token = l->identity_token ? xstrdup(l->identity_token) : NULL;
	if (err == 0)
		err = registry_open(http, e, &o, &r);
	if (err == 0)
		err = noexec_enter();
	if (err < 0)
		return err;
	(void)http_set_cancel(http, ctx->channel);
	return registry_login(&r);
}

int transfer_op_login(struct transfer_ctx *ctx)
{
	AUTO(registries_done) struct registries conf = {0};
	AUTO(endpoint_done) struct endpoint e = {0};
	struct transfer_login l;
	int r = transfer_login_get(&ctx->req, &l);

	if (r == 0)
		r = registries_load(&conf);
	if (r == 0)
		r = registries_primary(&conf, l.name, &e);
	if (r < 0)
		return r;
	*e.path = '\0'; /* it is about no repository */
	return login(ctx, &l, &e);
}
