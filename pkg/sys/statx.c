/* SPDX-License-Identifier: MIT */
/* By the raw call: C libraries that have it declare its structure beside the kernel's own, others have neither. */
#include "pkg/sys/statx.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/err.h"

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif

bool statx_is_mount_point(int dir, const char *path)
{
	struct statx s;

	return syscall(SYS_statx, dir, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &s) == 0 &&
	       (s.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int statx_mount_id(int fd, uint64_t *ret)
{
	struct statx x = {0};

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) < 0)
		return err_new(-errno, "statx");
	*ret = x.stx_mask & STATX_MNT_ID ? x.stx_mnt_id : 0;
	return 0;
}
