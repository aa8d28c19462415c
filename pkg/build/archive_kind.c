/* SPDX-License-Identifier: MIT */
#include "pkg/build/archive_kind.h"

#include <string.h>

#include "pkg/base/auto.h"

bool archive_is(const char *p, size_t n)
{
	static const struct {
		const char *magic;
		size_t n, at;
	} known[] = {{"\x1f\x8b", 2, 0},
		     {"BZh", 3, 0},
		     {"\xfd"
		      "7zXZ",
		      5, 0},
		     {"\x28\xb5\x2f\xfd", 4, 0},
		     {"ustar", 5, 257}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (n >= known[i].at + known[i].n &&
		    memcmp(p + known[i].at, known[i].magic, known[i].n) == 0)
			return true;
	return false;
}
