/* SPDX-License-Identifier: MIT */
/*
 * OpenPGP signatures, by gpgv in a process of its own: a parser of foreign packets has no place here.
 * This process may not execute programs once it talks to servers, so a child that still may is
 * forked before; it has no capabilities, no network to speak of and small limits, and knows nothing.
 */
#pragma once
#include <sys/types.h>

#include "pkg/base/sbuf.h"

struct gpg_verifier {
	int fd; /* -EBADF: not started */
	pid_t pid;
};
#define GPG_VERIFIER_INIT    \
	{                    \
		.fd = -EBADF \
	}
void gpg_done(struct gpg_verifier *v);
/** gpg_start() - before noexec_enter(). -CE_HOST_SETUP without gpgv. */
int gpg_start(struct gpg_verifier *v);
/**
 * gpg_verify() - the content that a signed message holds, when it has one good signature by a key of @keys
 * @keys: public keys, armored or not, one file after the other. -CE_DENIED: it is not good.
 */
int gpg_verify(struct gpg_verifier *v, const struct sbuf *keys, unsigned n_keys,
	       const struct sbuf *message, struct sbuf *ret_content);
