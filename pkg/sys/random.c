/* SPDX-License-Identifier: MIT */
#include "pkg/sys/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

void random_bytes(void *p, size_t n)
{
	char *c = p;

	while (n) {
		ssize_t got = getrandom(c, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			abort();
		c += got;
		n -= (size_t)got;
	}
}

void random_hex(char *out, unsigned digits)
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned at = 0; at < digits; at += 64) { /* one call does for an id */
		unsigned n = digits - at < 64 ? digits - at : 64;
		unsigned char b[32];

		random_bytes(b, (n + 1) / 2);
		for (unsigned i = 0; i < n; i++)
			out[at + i] = hex[i % 2 ? b[i / 2] & 15 : b[i / 2] >> 4];
	}
	out[digits] = '\0';
}

void random_id(char out[RANDOM_ID + 1])
{
	do
		random_hex(out, RANDOM_ID);
	while (strspn(out, "0123456789") >= 12);
}
