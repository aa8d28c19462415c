/* SPDX-License-Identifier: MIT */
/*
 * What policy.json demands of an image, checked before anything of it is fetched (T2). Signatures are
 * looked for where registries.d says: files or a web server (simple signing), or the registry itself
 * (sigstore's attachments).
 */
#pragma once
#include "pkg/transfer/lookaside.h"
#include "pkg/transfer/policy.h"
#include "pkg/transfer/gpg.h"
#include "pkg/transfer/registry.h"

struct trust {
	struct policy policy;
	struct lookasides lookasides;
	struct gpg_verifier gpg;
};
#define TRUST_INIT                       \
	{                                \
		.gpg = GPG_VERIFIER_INIT \
	}
void trust_done(struct trust *t);

/** trust_open() - before noexec_enter(). @policy: a file instead of the usual ones, or NULL. */
int trust_open(const char *policy, struct trust *t);
/**
 * trust_check() - may the image come in? -CE_UNTRUSTED with the reason.
 * @ref: as users call it. @digest: of its manifest. @list: of the index it was chosen from, or NULL;
 * a signature of that counts as well.
 */
int trust_check(struct trust *t, struct registry *r, const struct reference *ref,
		const char *digest, const char *list);
/**
 * trust_check_file() - the same for what comes in a file, which nothing can be signed of
 * @path: where it is, absolute; NULL: from a pipe.
 */
int trust_check_file(const char *policy, const char *transport, const char *path);
