/* SPDX-License-Identifier: MIT */
#include "pkg/base/size.h"

#include <stdio.h>

void size_format(uint64_t bytes, char out[SIZE_TEXT_MAX])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	unsigned unit = 0;

	/* 999.5 of one unit would be printed as 1000, or as 1e+03: it is 1 of the next. */
	while (v >= 999.5) {
		v /= 1000;
		unit++;
	}
	(void)snprintf(out, SIZE_TEXT_MAX, "%.3g %s", v, units[unit]);
}
