/* SPDX-License-Identifier: MIT */
#include "pkg/sys/xattr.h"

#include <string.h>
#include <sys/types.h>
#include <sys/xattr.h>

void xattr_copy(int from, int to)
{
	char names[4096], value[4096];
	ssize_t n = flistxattr(from, names, sizeof(names));

	for (char *p = names; n > 0 && p < names + n; p += strlen(p) + 1) {
		ssize_t v;

		if (strncmp(p, "user.", 5) != 0 && strcmp(p, "security.capability") != 0)
			continue;
		if (strncmp(p, "user.overlay.", 13) == 0)
			continue;
		v = fgetxattr(from, p, value, sizeof(value));
		if (v >= 0)
			(void)fsetxattr(to, p, value, (size_t)v, 0);
	}
}
