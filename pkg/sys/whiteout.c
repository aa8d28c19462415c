/* SPDX-License-Identifier: MIT */
#include "pkg/sys/whiteout.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

bool whiteout_is(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

const char *whiteout_names(const char *name)
{
	size_t n = sizeof(WHITEOUT) - 1;

	return strncmp(name, WHITEOUT, n) == 0 && name[n] ? name + n : NULL;
}

bool whiteout_stands_for(int dir, const char *name)
{
	char mark[NAME_MAX + 1];
	struct stat st;

	if (strlen(name) + sizeof(WHITEOUT) > sizeof(mark))
		return false;
	(void)snprintf(mark, sizeof(mark), WHITEOUT "%s", name);
	return fstatat(dir, mark, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool whiteout_is_opaque(int dir)
{
	static const char *const attributes[] = {OPAQUE_XATTR, "user.fuseoverlayfs.opaque"};
	struct stat st;
	char v[2];

	for (unsigned i = 0; i < 2; i++)
		if (fgetxattr(dir, attributes[i], v, sizeof(v)) > 0 && v[0] == 'y')
			return true;
	return fstatat(dir, WHITEOUT_OPAQUE, &st, AT_SYMLINK_NOFOLLOW) == 0;
}
