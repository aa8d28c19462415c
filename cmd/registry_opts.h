/* SPDX-License-Identifier: MIT */
/* The option rows of verbs that talk to registries. */
#pragma once
#include <limits.h>

#include "pkg/cli/options.h"
#include "pkg/transfer/protocol.h"

struct registry_args {
	const char *authfile, *cert_dir, *creds, *retry_delay;
	int tls_verify;
	unsigned retry;
};
extern const struct opt registry_opts[];
/* What podman knows and cuddy does not do: said with the reason, or without effect there, too. */
extern const struct opt decrypt_opts[], encrypt_opts[];

/* Initial values, before parsing. */
#define REGISTRY_ARGS_DEFAULTS                                    \
	{                                                         \
		.tls_verify = -1, .retry = UINT_MAX               \
	}

/** registry_access_of() - what was given, checked. Usage error. */
int registry_access_of(const struct registry_args *a, struct transfer_access *ret);
