/* SPDX-License-Identifier: MIT */
/* Signatures by bare keys, as sigstore's offline keys make them. */
#pragma once
#include "pkg/base/sbuf.h"

/** pubkey_verify() - is @signature (of any kind of key: ECDSA, RSA, Ed25519) over @data by the PEM key? -CE_DENIED; -CE_BAD_FORMAT: no key. */
int pubkey_verify(const struct sbuf *pem, const struct sbuf *data, const struct sbuf *signature);
/** privkey_sign() - a PEM private key that is not encrypted, or is by @passphrase (NULL: none). */
int privkey_sign(const struct sbuf *pem, const char *passphrase, const struct sbuf *data,
		 struct sbuf *ret_signature);
