/* SPDX-License-Identifier: MIT */
#include "pkg/sys/fuse_device.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

int fuse_device_open(void)
{
	AUTO_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	bool missing = fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO);
	int e = errno;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		missing = !S_ISCHR(st.st_mode) || st.st_rdev != makedev(10, 229);
	if (missing)
		return err_new(
			-CE_HOST_SETUP,
			"/dev/fuse is missing, which fuse-overlayfs needs; as root: modprobe "
			"fuse; [ -e /dev/fuse ] || mknod -m 0666 /dev/fuse c 10 229");
	if (fd < 0)
		return err_new(-CE_HOST_SETUP,
			       "/dev/fuse cannot be opened (%s), which fuse-overlayfs needs; as "
			       "root: chmod 0666 /dev/fuse",
			       err_text(-e));
	return TAKE_FD(fd);
}
