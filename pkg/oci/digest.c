/* SPDX-License-Identifier: MIT */
#include "pkg/oci/digest.h"

#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"

bool digest_is_valid(const char *s)
{
	size_t want;

	if (strncmp(s, "sha256:", 7) == 0)
		want = 64;
	else if (strncmp(s, "sha512:", 7) == 0)
		want = 128;
	else
		return false;
	return strlen(s + 7) == want && hex_is_valid(s + 7, (unsigned)want);
}

char *digest_sha256_of(const void *p, size_t n)
{
	char hex[65];

	sha256_hex(p, n, hex);
	return xasprintf("sha256:%s", hex);
}

const char *digest_hex(const char *s)
{
	return s + 7; /* both algorithms have names of one length */
}

void digest_chain_id(const struct strv *diffids, char ret[65])
{
	sha256_hex("", 0, ret); /* of none */
	if (diffids->n)
		(void)snprintf(ret, 65, "%s", diffids->v[0]);
	for (size_t i = 1; i < diffids->n; i++) {
		struct sha256 h;

		sha256_init(&h);
		sha256_add(&h, "sha256:", 7);
		sha256_add(&h, ret, strlen(ret));
		sha256_add(&h, " sha256:", 8);
		sha256_add(&h, diffids->v[i], strlen(diffids->v[i]));
		sha256_end_hex(&h, ret);
	}
}
