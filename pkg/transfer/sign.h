/* SPDX-License-Identifier: MIT */
/* Signatures for what was pushed: by gpg, put where registries.d says, or by a sigstore key, at the registry. */
#pragma once
#include "pkg/transfer/lookaside.h"
#include "pkg/transfer/registry.h"
#include "pkg/transfer/transfer.h"

struct signing {
	struct transfer_sign args;
	struct lookasides lookasides;
	struct sbuf key; /* of sigstore */
	char *passphrase; /* for that */
	struct sbuf made; /* gpg's */
};
#define SIGNING_INIT                                \
	{                                           \
		.key = SBUF_INIT, .made = SBUF_INIT \
	}
void signing_done(struct signing *s);

/** signing_open() - reads keys and where signatures go, before anything is sent. */
int signing_open(const struct transfer_sign *args, const struct reference *to, struct signing *s);
/** signing_simple() - only the signature by gpg, of what may have been there before. */
int signing_simple(struct transfer_ctx *ctx, struct signing *s, const struct reference *to,
		   const char *digest);
/** signing_make() - what gpg signs; before the manifest goes, so that nothing is there that it does not sign. */
int signing_make(struct transfer_ctx *ctx, struct signing *s, const char *digest);
/** signing_apply() - after signing_make(); @digest: of the manifest or index that is there under @to now. */
int signing_apply(struct signing *s, struct registry *r, const struct reference *to,
		  const char *digest);
