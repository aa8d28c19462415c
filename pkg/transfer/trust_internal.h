/* SPDX-License-Identifier: MIT */
/* Between trust.c and the kinds of signatures. */
#pragma once
#include "pkg/transfer/trust.h"

#define SIGNATURES_MAX 128
#define SIGNATURE_BYTES_MAX (64UL << 10)

/* Of one image: who asks, and what for. */
struct claim {
	struct trust *trust;
	struct registry *registry;
	const struct reference *ref;
	const char *digest; /* the one whose signatures are looked at */
};

/* Keys or certificates as they are needed; @v belongs to the policy, or is @loaded. */
struct trust_pem {
	const struct sbuf *v;
	unsigned n;
	struct sbuf *loaded;
};
int trust_pem_load(const struct policy_pem *p, struct trust_pem *ret);
void trust_pem_done(struct trust_pem *p);

/** trust_payload() - does what was signed speak of this image? @type: what "critical" must call itself. */
int trust_payload(const struct claim *c, const struct policy_requirement *q,
		  const struct sbuf *payload, const char *type);
/** trust_sigstore() - is there a signature as @q demands among the attachments at the registry? */
int trust_sigstore(struct claim *c, const struct policy_requirement *q);
