/* SPDX-License-Identifier: MIT */
/*
 * Credentials for registries: --creds, auth.json of podman and docker in their order, and credential
 * helpers (N6, N7, G11), of these files or of registries.conf ("credential-helpers", which says in what order). Files that others could read or have written are refused. What is written
 * is written aside, for us alone, under a lock.
 */
#pragma once
#include "pkg/base/strv.h"

struct credential {
	char *user, *password;
	char *identity_token; /* instead of a password: an OAuth2 refresh token */
};
void credential_done(struct credential *c); /* wipes */

int credential_copy(const struct credential *from, struct credential *ret); /* 0 */
/** credential_parse() - "user[:password]". */
int credential_parse(const char *s, struct credential *ret);
/**
 * auth_find() - what the user has for "host" or a path below it; nothing found leaves @ret empty
 * @host: host[:port]; @path: repository. @authfile: the only file to look at, or NULL.
 */
int auth_find(const char *host, const char *path, const char *authfile, struct credential *ret);
/** auth_known() - auth_find() for a key; a named file that is not there holds nothing. */
int auth_known(const char *key, const char *authfile, struct credential *ret);
/**
 * auth_store() - keep a credential where auth_find() will see it first
 * @key: "host" or "host/path", as the file is to call it. Goes to the credential helper that the file
 * names for it, or registries.conf before any file, else into the file itself: @authfile, REGISTRY_AUTH_FILE, or auth.json in
 * $XDG_RUNTIME_DIR/containers (~/.config/containers without that). All else in the file stays.
 * @ret_where: the file or the helper's program, malloc'ed.
 */
int auth_store(const char *key, const char *authfile, const struct credential *c, char **ret_where);
/**
 * auth_erase() - forget it there; @key NULL: all of them, which helpers of registries.conf cannot
 * Return: -ENOENT (no trail) when there is none.
 */
int auth_erase(const char *key, const char *authfile);
/** auth_normal_key() - "https://index.docker.io/v1/", "http://host/v2", "host/": one spelling, malloc'ed. */
char *auth_normal_key(const char *key);

/** auth_keys() - keys of auths that serve host and path, most specific first; for tests. */
void auth_keys(const char *host, const char *path, struct strv *ret);
