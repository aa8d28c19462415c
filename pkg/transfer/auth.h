/* SPDX-License-Identifier: MIT */
/*
 * Credentials for registries: --creds, auth.json of podman and docker in their order, and credential
 * helpers (N6, N7, G11). Files that others could read or have written are refused.
 */
#pragma once
#include "pkg/base/strv.h"

struct credential {
	char *user, *password;
	char *identity_token; /* instead of a password: an OAuth2 refresh token */
};
void credential_done(struct credential *c); /* wipes */

/** credential_parse() - "user[:password]". */
int credential_parse(const char *s, struct credential *ret);
/**
 * auth_find() - what the user has for "host" or a path below it; nothing found leaves @ret empty
 * @host: host[:port]; @path: repository. @authfile: the only file to look at, or NULL.
 */
int auth_find(const char *host, const char *path, const char *authfile, struct credential *ret);
/** auth_keys() - keys of auths that serve host and path, most specific first; for tests. */
void auth_keys(const char *host, const char *path, struct strv *ret);
