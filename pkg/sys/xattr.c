/* SPDX-License-Identifier: MIT */
#include "pkg/sys/xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include "pkg/base/err.h"

#define OVERLAY_ATTR "user.overlay."
#define XATTR_MAX 65536 /* the kernel's limit of a list, and of a value */

static bool is_content(const char *name, bool overlay)
{
	if (strncmp(name, OVERLAY_ATTR, strlen(OVERLAY_ATTR)) == 0)
		return overlay;
	return strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0;
}

static int copy_one(int from, int to, const char *name)
{
	char value[XATTR_MAX];
	ssize_t n = fgetxattr(from, name, value, sizeof(value));

	return n < 0 || fsetxattr(to, name, value, (size_t)n, 0) < 0 ? -errno : 0;
}

void xattr_copy(int from, int to)
{
	char names[XATTR_MAX];
	ssize_t n = flistxattr(from, names, sizeof(names));

	for (char *p = names; n > 0 && p < names + n; p += strlen(p) + 1)
		if (is_content(p, false))
			(void)copy_one(from, to, p);
}

int xattr_copy_all(int from, int to, bool overlay)
{
	char names[XATTR_MAX];
	ssize_t n = flistxattr(from, names, sizeof(names));

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : err_new(-errno, "list attributes");
	for (char *p = names; p < names + n; p += strlen(p) + 1) {
		int r = is_content(p, overlay) ? copy_one(from, to, p) : 0;

		if (r < 0)
			return err_new(r, "copy attribute %s", p);
	}
	return 0;
}
