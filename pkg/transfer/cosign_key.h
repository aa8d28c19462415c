/* SPDX-License-Identifier: MIT */
/* Private keys as cosign writes them: scrypt, a secretbox, PKCS #8 inside. */
#pragma once
#include "pkg/base/sbuf.h"

/**
 * cosign_key_open() - @key in place becomes a PEM key that is not encrypted
 * Anything else than cosign's is left as it is. -CE_DENIED: another passphrase (NULL: none); -CE_BAD_FORMAT.
 */
int cosign_key_open(struct sbuf *key, const char *passphrase);
