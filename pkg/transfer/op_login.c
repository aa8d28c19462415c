/* SPDX-License-Identifier: MIT */
/* The operation "login": are these credentials good at that registry? Nothing is kept. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/oci/reference.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/registry.h"
#include "pkg/transfer/transfer.h"

/* Where the registry really is; mirrors have credentials of their own. */
static int primary(const char *name, struct endpoint *ret)
{
	AUTO(endpoints_done) struct endpoints e = {0};
	AUTO(registries_done) struct registries conf = {0};
	int r = registries_load(&conf);

	if (r == 0)
		r = registries_endpoints(&conf, name, false, &e);
	for (unsigned i = 0; r == 0 && i < e.n; i++) {
		if (e.v[i].mirror)
			continue;
		*ret = (struct endpoint){.host = TAKE_PTR(e.v[i].host),
					 .path = xstrdup(""),
					 .insecure = e.v[i].insecure};
		return 0;
	}
	return r < 0 ? r : err_new(-CE_NO_OBJECT, "registry of %s", name);
}

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
	http_set_cancel(http, ctx->channel);
	return registry_login(&r);
}

int transfer_op_login(struct transfer_ctx *ctx)
{
	struct endpoint e = {0};
	struct transfer_login l;
	int r = transfer_login_get(&ctx->req, &l);

	if (r == 0)
		r = primary(l.name, &e);
	if (r == 0)
		r = login(ctx, &l, &e);
	freep(&e.host);
	freep(&e.path);
	return r;
}
