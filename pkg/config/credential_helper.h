/* SPDX-License-Identifier: MIT */
/* docker-credential-<name>: asked over stdin, never on a command line (G11, D14). */
#pragma once
#include "pkg/base/sbuf.h"
#include "pkg/config/auth.h"

/** helper_get() - the credential for @server; "not found" leaves @ret empty and is no error. */
int helper_get(const char *name, const char *server, struct credential *ret);
/** helper_answer() - what a helper says to "get"; nothing in @ret with a code. */
int helper_answer(const struct sbuf *answer, struct credential *ret);
/**
 * helper_ask_elsewhere() - from here on helper_get() is answered by @get with @line
 * Helpers talk to agents and keyrings of the user's session: who is not quite the user any more has
 * them asked by somebody who is.
 */
void helper_ask_elsewhere(int line, int (*get)(int line, const char *name, const char *server,
					       struct credential *ret));
/** helper_store() - hand it over; helper_erase() - make the helper forget, also what it never had. */
int helper_store(const char *name, const char *server, const struct credential *c);
int helper_erase(const char *name, const char *server);
