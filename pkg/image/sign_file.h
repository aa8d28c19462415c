/* SPDX-License-Identifier: MIT */
/* Parameters of a signature in a file: containers-sigstore-signing-params.yaml(5), as podman reads it. */
#pragma once
#include <stddef.h>

struct sign_file {
	char *key; /* file of the private key */
	char *passphrase_file; /* of it, or NULL */
};
void sign_file_done(struct sign_file *f);
/** sign_file_parse() - without a private key, with keys that are unknown or want a service: -CE_BAD_FORMAT or -CE_UNSUPPORTED */
int sign_file_parse(const char *s, size_t n, struct sign_file *ret);
/** sign_file_read() - the same of a file, which the error names */
int sign_file_read(const char *path, struct sign_file *ret);
