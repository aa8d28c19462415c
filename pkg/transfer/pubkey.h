/* SPDX-License-Identifier: MIT */
/* Signatures by bare keys, as sigstore's offline keys make them. */
#pragma once
#include "pkg/base/sbuf.h"

/* Of the payload at a registry, and the annotation that holds the signature of it. */
#define COSIGN_PAYLOAD "application/vnd.dev.cosign.simplesigning.v1+json"
#define COSIGN_SIGNATURE "dev.cosignproject.cosign/signature"

/** pubkey_verify() - is @signature (of any kind of key: ECDSA, RSA, Ed25519) over @data by the PEM key? -CE_DENIED; -CE_BAD_FORMAT: no key. */
int pubkey_verify(const struct sbuf *pem, const struct sbuf *data, const struct sbuf *signature);
/** privkey_sign() - a PEM private key that is not encrypted, or is by @passphrase (NULL: none). */
int privkey_sign(const struct sbuf *pem, const char *passphrase, const struct sbuf *data,
		 struct sbuf *ret_signature);
