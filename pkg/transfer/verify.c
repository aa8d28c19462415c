/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/verify.h"

#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/oci/digest.h"

struct hash *verify_new(const char *digest)
{
	return hash_new(strncmp(digest, "sha512:", 7) == 0 ? HASH_SHA512 : HASH_SHA256);
}

int verify_hash(struct hash *h, const char *digest)
{
	char hex[HASH_HEX_MAX];

	hash_hex(h, hex);
	if (strcmp(hex, digest_hex(digest)) == 0)
		return 0;
	return err_new(-CE_BAD_DIGEST, "%.19s came as %.12s", digest, hex);
}

int verify_bytes(const char *digest, const void *p, size_t n)
{
	AUTO(hash_freep) struct hash *h = verify_new(digest);

	hash_add(h, p, n);
	return verify_hash(h, digest);
}
