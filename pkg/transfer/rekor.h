/* SPDX-License-Identifier: MIT */
/*
 * Rekor, a public log of signatures, asked offline: what it signed when it took one in (the signed entry
 * timestamp) comes along with the signature, as the annotation "dev.sigstore.cosign/bundle".
 */
#pragma once
#include <stdint.h>

#include "pkg/base/sbuf.h"

#define COSIGN_BUNDLE "dev.sigstore.cosign/bundle"

/* What the log must have seen. */
struct rekor_claim {
	const struct sbuf *payload, *signature;
	const struct sbuf
		*verifier; /* PEM: the key, or the certificate of the key, that it is by */
};

/**
 * rekor_check() - is @bundle the promise of a log, by one of @keys (PEM), that has this very signature?
 * @ret_time: when it was taken in, seconds since 1970. -CE_DENIED, or -CE_BAD_FORMAT. Spec: Rekor's types
 * hashedrekord 0.0.1, RFC 8785.
 */
int rekor_check(const char *bundle, const struct sbuf *keys, unsigned n_keys,
		const struct rekor_claim *c, int64_t *ret_time);
