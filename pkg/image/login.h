/* SPDX-License-Identifier: MIT */
/* What is asked of a registry, not of an image. */
#pragma once
#include "pkg/config/auth.h"
#include "pkg/transfer/protocol.h"

/**
 * registry_key() - from what a user calls a registry ("https://quay.io", "quay.io/team") to the key
 * its credentials are kept under, host and path. Usage error.
 */
int registry_key(const char *registry, char **ret_key, char **ret_host, char **ret_path);
/** registry_check() - are @c good at @host? -CE_DENIED when the registry says no. Does not enter B. */
int registry_check(const char *host, const struct transfer_access *access,
		   const struct credential *c);
