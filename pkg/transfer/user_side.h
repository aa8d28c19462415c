/* SPDX-License-Identifier: MIT */
/*
 * The user's side of a transfer. cuddy-transfer works in the base namespace, as root of it, and
 * executes nothing once it talks to servers. What needs the user himself, with his session, agents
 * and keyrings, is done by a child of cuddy that is forked before the namespace is entered: asking
 * credential helpers, and signing with gpg what was pushed. It does only what it was offered to do.
 */
#pragma once
#include <sys/types.h>

#include "pkg/base/sbuf.h"

struct user_side_offer {
	const char *sign_by; /* key for gpg, or NULL: it signs nothing */
	const char *passphrase_file;
	const char *reference; /* the name it signs for */
};

/** user_side_start() - fork it; a descriptor to hand to cuddy-transfer. It ends when nobody holds that any more. */
int user_side_start(const struct user_side_offer *o, pid_t *ret_pid);

/** user_side_use() - from here on helper_get() asks there. */
void user_side_use(int fd);
/** user_side_sign() - a signed statement that the manifest @digest has the offered name. */
int user_side_sign(int fd, const char *digest, struct sbuf *ret);
/** signature_payload() - the statement that is signed; @type: who is to understand it. */
void signature_payload(const char *type, const char *reference, const char *digest,
		       struct sbuf *out);
