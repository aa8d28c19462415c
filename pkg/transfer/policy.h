/* SPDX-License-Identifier: MIT */
/*
 * policy.json: what an image must show before it is let in (containers-policy.json(5)). Read from
 * ~/.config/containers, else /etc/containers. What is not understood is refused as a whole: a policy
 * that was meant to restrict must not end up allowing (T1).
 */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/oci/reference.h"

enum policy_kind { POLICY_ACCEPT, POLICY_REJECT, POLICY_SIGNED_BY, POLICY_SIGSTORE };

/* What the name in a signature must have to do with the name that was asked for. */
enum policy_identity {
	IDENTITY_DIGEST_OR_EXACT, /* the default */
	IDENTITY_EXACT,
	IDENTITY_REPOSITORY,
	IDENTITY_EXACT_REFERENCE,
	IDENTITY_EXACT_REPOSITORY,
	IDENTITY_REMAP
};

/* How the maker of a sigstore signature is known. */
enum policy_signer { SIGNER_KEY, SIGNER_FULCIO, SIGNER_PKI };

/* Keys or certificates, any of which will do: files of them, or what would be in such files. */
struct policy_pem {
	struct strv paths;
	struct sbuf *data;
	unsigned n;
};

struct policy_requirement {
	enum policy_kind kind;
	struct policy_pem keys; /* SIGNER_KEY */
	enum policy_signer signer;
	struct policy_pem roots, intermediates; /* the others: certificates */
	char *issuer, *email, *hostname; /* whom the certificate is for; NULL: does not matter */
	struct policy_pem rekor; /* keys of logs, one of which has to have seen the signature; none: need not */
	enum policy_identity identity;
	char *named; /* the reference, repository or prefix of the identity */
	char *signed_prefix;
};

struct policy_scope {
	char *transport, *scope; /* both NULL: the default; scope "": of the whole transport */
	struct policy_requirement *v;
	unsigned n;
};

struct policy {
	char *file; /* NULL: there is none, and all is let in */
	struct policy_scope *scopes;
	unsigned n;
};
void policy_done(struct policy *p);

/** policy_load() - @file: instead of the usual ones, or NULL. -CE_BAD_FORMAT. */
int policy_load(const char *file, struct policy *ret);
/** policy_parse() - one document; exposed for tests. */
int policy_parse(const char *text, size_t n, struct policy *ret);
/** policy_find() - what counts for a name of a registry; NULL without a policy. */
const struct policy_scope *policy_find(const struct policy *p, const struct reference *ref);
/**
 * policy_find_file() - what counts for archives and directories
 * @path: absolute; its own scope counts before those of the directories above. NULL: only transport and default.
 */
const struct policy_scope *policy_find_file(const struct policy *p, const char *transport,
					    const char *path);

/** policy_identity_matches() - does a signature for @signed_name (as in the signature) do for @ref? */
bool policy_identity_matches(const struct policy_requirement *q, const struct reference *ref,
			     const char *signed_name);
/** policy_user_file() - where the user's own is or would be, malloc'ed. */
int policy_user_file(char **ret);
