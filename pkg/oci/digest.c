/* SPDX-License-Identifier: MIT */
#include "pkg/oci/digest.h"

#include <string.h>

#include "pkg/base/path.h"

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

const char *digest_hex(const char *s)
{
	return s + 7; /* both algorithms have names of one length */
}
