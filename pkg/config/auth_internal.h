/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/config/auth.h"
#include "pkg/json/json.h"

#define AUTH_FILE_MAX (1024 * 1024)

/* In the order they are looked at. */
enum auth_file {
	AUTH_FILE_RUNTIME,
	AUTH_FILE_CONFIG,
	AUTH_FILE_DOCKER,
	AUTH_FILE_DOCKERCFG, /* of old: the auths alone */
	AUTH_FILE_COUNT
};
/** auth_usual_file() - its path, malloc'ed; NULL when the environment names no directory for it. */
char *auth_usual_file(enum auth_file which);
/** auth_named_file() - the one that is to be used alone: @authfile, or of REGISTRY_AUTH_FILE, or NULL. */
const char *auth_named_file(const char *authfile);

/**
 * auth_read_private() - what only we can write: no link (unless named by the user), no FIFO, no other owner
 * Return: 1 when others can read or write it, 0, or a code; -ENOENT without trail unless @named.
 */
int auth_read_private(const char *path, bool named, struct sbuf *out);
#define AUTH_FILES "containers-auth.json" /* among helpers: the files */
/** auth_default_helpers() - credential-helpers of registries.conf; none: the files alone. */
int auth_default_helpers(struct strv *ret);
/** auth_helper_name() - credHelpers names one for this host; credsStore is for all of them. NULL: none. */
int auth_helper_name(struct json_object *o, const char *host, const char **ret);
/** auth_helper_server() - what helpers know @host as: Docker's own tools store the hub under its old url. */
const char *auth_helper_server(const char *host);

void sbuf_wipe(struct sbuf *b);
