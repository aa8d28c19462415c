/* SPDX-License-Identifier: MIT */
#include "pkg/base/size.h"

#include <stdio.h>

static void put(uint64_t bytes, int digits, const char *between, char out[SIZE_TEXT_MAX])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes, too_many = digits == 3 ? 999.5 : 999.95;
	unsigned unit = 0;

	/* What would be printed as 1000 of one unit, or as 1e+03, is 1 of the next. */
	while (v >= too_many) {
		v /= 1000;
		unit++;
	}
	(void)snprintf(out, SIZE_TEXT_MAX, "%.*g%s%s", digits, v, between, units[unit]);
}

void size_format(uint64_t bytes, char out[SIZE_TEXT_MAX])
{
	put(bytes, 3, " ", out);
}

void size_format_word(uint64_t bytes, char out[SIZE_TEXT_MAX])
{
	put(bytes, 4, "", out);
}

void size_format_word3(uint64_t bytes, char out[SIZE_TEXT_MAX])
{
	put(bytes, 3, "", out);
}
