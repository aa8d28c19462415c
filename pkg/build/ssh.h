/* SPDX-License-Identifier: MIT */
/*
 * RUN --mount=type=ssh: a socket in the container that speaks the protocol of ssh agents and no more
 * of it than "which keys" and "sign this". What is behind it, an agent of the user's or one that we
 * start for key files, the container does not see: not its path, and it can neither add nor remove
 * keys, nor lock it.
 */
#pragma once
#include <stddef.h>

#include "pkg/base/strv.h"

struct ssh_source {
	char *id;
	char *socket; /* of an agent; NULL: @keys */
	struct ssh_key {
		char *text;
		size_t n;
		char *path; /* for messages */
	} * keys;
	unsigned n_keys;
};

/**
 * ssh_source_open() - "default" or "ID[=SOCKET|KEY[,KEY…]]" of --ssh
 * Key files are read now, as the user we are. Without a value: the agent of SSH_AUTH_SOCK.
 */
int ssh_source_open(const char *spec, struct ssh_source *ret);
void ssh_source_done(struct ssh_source *s);

struct ssh_proxy {
	int proxy, agent; /* pidfds; agent: the one started for keys, or negative */
};
#define SSH_PROXY_INIT                           \
	{                                        \
		.proxy = -EBADF, .agent = -EBADF \
	}
/**
 * ssh_proxy_start() - serve "socket" in directory @dir, which is empty and no other user's
 * Its processes die with this one, and by ssh_proxy_stop().
 */
int ssh_proxy_start(const struct ssh_source *s, const char *dir, struct ssh_proxy *ret);
void ssh_proxy_stop(struct ssh_proxy *p);
