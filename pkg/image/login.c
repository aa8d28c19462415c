/* SPDX-License-Identifier: MIT */
#include "pkg/image/login.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/image/transfer_client.h"
#include "pkg/oci/reference.h"

int registry_key(const char *registry, char **ret_key, char **ret_host, char **ret_path)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *key = auth_normal_key(registry);
	/* A registry alone becomes a reference by a repository of any name. */
	AUTO_FREE char *name = strchr(key, '/') ? xstrdup(key) : path_join(key, "x");
	int r = reference_parse(name, &ref);

	if (r < 0 || !ref.host || ref.tag || ref.digest) {
		err_drop();
		return err_usage("'%s' is not a registry: HOST[:PORT], perhaps with a /PATH",
				 registry);
	}
	*ret_host = TAKE_PTR(ref.host);
	*ret_path = strchr(key, '/') ? TAKE_PTR(ref.path) : xstrdup("");
	*ret_key = TAKE_PTR(key);
	return 0;
}

int registry_check(const char *host, const struct transfer_access *access,
		   const struct credential *c)
{
	static const struct transfer_handler silent = {0};
	AUTO_FREE char *name = path_join(host, "x");
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct transfer_login l = {.name = name,
				   .access = *access,
				   .user = c->user,
				   .password = c->password,
				   .identity_token = c->identity_token};
	int r;

	transfer_login_put(&body, &l);
	r = transfer_run(NULL, TRANSFER_LOGIN, &body, NULL, 0, &silent);
	explicit_bzero(body.s, body.len);
	return r;
}
