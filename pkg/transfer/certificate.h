/* SPDX-License-Identifier: MIT */
/* X.509 certificates of who signs: by a root that counts, at the time that counts, for whom it has to be. */
#pragma once
#include <stdint.h>

#include "pkg/base/sbuf.h"

#define COSIGN_CERTIFICATE "dev.sigstore.cosign/certificate"
#define COSIGN_CHAIN "dev.sigstore.cosign/chain"

struct certificate_claim {
	const struct sbuf *leaf; /* PEM, as all of these */
	const char *
		chain; /* further ones that came with it, believed only by what is above them; NULL */
	const struct sbuf *roots, *intermediates;
	unsigned n_roots, n_intermediates;
	int64_t at; /* seconds since 1970 */
	/* For whom; NULL: does not matter. */
	const char *issuer; /* of the identity, Fulcio's extension */
	const char *email, *hostname; /* among the subject's alternative names */
};

/**
 * certificate_check() - -CE_DENIED with the reason; -CE_BAD_FORMAT
 * @ret_key: its public key, PEM, appended. Spec: RFC 5280; Fulcio's oid-info, 1.3.6.1.4.1.57264.1.{1,8}.
 */
int certificate_check(const struct certificate_claim *c, struct sbuf *ret_key);
