/* SPDX-License-Identifier: MIT */
#include "pkg/sys/random.h"

#include <errno.h>
#include <stdlib.h>
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

	for (unsigned i = 0; i < digits; i++) {
		unsigned char b;

		if (i % 2 == 0) {
			random_bytes(&b, 1);
			out[i] = hex[b >> 4];
			if (i + 1 < digits)
				out[i + 1] = hex[b & 15];
		}
	}
	out[digits] = '\0';
}
