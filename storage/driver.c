/* SPDX-License-Identifier: MIT */
#include "storage/driver.h"

#include <string.h>
#include <sys/stat.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/process.h"

static const char *const names[] = {
	[STORE_OVERLAY] = "overlay",
	[STORE_FUSE_OVERLAY] = "fuse-overlayfs",
	[STORE_VFS] = "vfs",
};

const char *driver_name(enum store_driver d)
{
	return names[d];
}

int driver_parse(const char *name, enum store_driver *ret)
{
	if (strcmp(name, "overlay2") == 0)
		name = names[STORE_OVERLAY];
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*ret = (enum store_driver)i;
		return 0;
	}
	return err_usage("storage driver '%s': use overlay, fuse-overlayfs or vfs", name);
}

int driver_fuse_program(const char **ret)
{
	static char place[PATH_MAX];

	*ret = program_helper("fuse-overlayfs", place);
	if (*ret)
		return 0;
	return err_new(-CE_HOST_SETUP, "fuse-overlayfs is not installed; as root: apt-get install "
				       "fuse-overlayfs");
}
