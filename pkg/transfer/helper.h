/* SPDX-License-Identifier: MIT */
/* docker-credential-<name>: asked over stdin, never on a command line (G11, D14). */
#pragma once
#include "pkg/transfer/auth.h"

/** helper_get() - the credential for @server; "not found" leaves @ret empty and is no error. */
int helper_get(const char *name, const char *server, struct credential *ret);
