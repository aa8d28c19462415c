/* SPDX-License-Identifier: MIT */
#include "pkg/sys/mount.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

/* Numbers are the same on every architecture; C libraries of the day lack some or clash with linux/mount.h. */
#define NR_open_tree 428
#define NR_move_mount 429
#define NR_fsopen 430
#define NR_fsconfig 431
#define NR_fsmount 432
#define NR_mount_setattr 442

#define K_OPEN_TREE_CLONE 1U
#define K_OPEN_TREE_CLOEXEC ((unsigned)O_CLOEXEC)
#define K_AT_EMPTY_PATH 0x1000U
#define K_AT_RECURSIVE 0x8000U
#define K_FROM_EMPTY_PATH 0x4U
#define K_TO_EMPTY_PATH 0x40U
#define K_FSOPEN_CLOEXEC 1U
#define K_FSMOUNT_CLOEXEC 1U
#define K_SET_FLAG 0U
#define K_SET_STRING 1U
#define K_CMD_CREATE 6U

struct k_mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};

static int set_option(int fs, const char *fstype, char *option)
{
	char *value = strchr(option, '=');
	long r;

	if (value)
		*value++ = '\0';
	r = syscall(NR_fsconfig, fs, value ? K_SET_STRING : K_SET_FLAG, option, value, 0);
	if (r < 0)
		return err_new(-errno, "%s option %s%s%s", fstype, option, value ? "=" : "",
			       value ? value : "");
	return 0;
}

int mount_new(const char *fstype, const char *options, uint32_t attrs)
{
	AUTO_CLOSE int fs = (int)syscall(NR_fsopen, fstype, K_FSOPEN_CLOEXEC);
	char copy[1024], *save = NULL;
	long mnt;

	if (fs < 0)
		return err_new(-errno, "new %s", fstype);
	(void)syscall(NR_fsconfig, fs, K_SET_STRING, "source", fstype,
		      0); /* what mount(8) and df(1) show */
	if (options) {
		if (strlen(options) >= sizeof(copy))
			return err_new(-CE_LIMIT, "options of %s", fstype);
		(void)snprintf(copy, sizeof(copy), "%s", options);
		for (char *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
			int r = set_option(fs, fstype, o);

			if (r < 0)
				return r;
		}
	}
	if (syscall(NR_fsconfig, fs, K_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_new(-errno, "new %s", fstype);
	mnt = syscall(NR_fsmount, fs, K_FSMOUNT_CLOEXEC, attrs);
	return mnt < 0 ? err_new(-errno, "mount %s", fstype) : (int)mnt;
}

int mount_clone(int dir, const char *path, bool recursive)
{
	unsigned flags = K_OPEN_TREE_CLONE | K_OPEN_TREE_CLOEXEC | K_AT_EMPTY_PATH |
			 (recursive ? K_AT_RECURSIVE : 0);
	long fd = syscall(NR_open_tree, dir, path, flags);

	return fd < 0 ? err_new(-errno, "clone the mount of %s", *path ? path : "a descriptor")
		      : (int)fd;
}

int mount_attach(int mnt, int target)
{
	if (syscall(NR_move_mount, mnt, "", target, "", K_FROM_EMPTY_PATH | K_TO_EMPTY_PATH) < 0)
		return err_new(-errno, "attach a mount");
	return 0;
}

int mount_set(int mnt, bool recursive, uint64_t attrs, uint64_t propagation)
{
	struct k_mount_attr a = {.attr_set = attrs, .propagation = propagation};

	if (attrs & (MNT_ATTR_NOATIME | MNT_ATTR_STRICTATIME))
		a.attr_clr =
			0x70; /* the access time modes are one field that must be cleared to be set */
	if (syscall(NR_mount_setattr, mnt, "", K_AT_EMPTY_PATH | (recursive ? K_AT_RECURSIVE : 0),
		    &a, sizeof(a)) == 0)
		return 0;
	if (errno == ENOSYS)
		return err_new(-CE_UNSUPPORTED,
			       "this kernel has no mount_setattr; Linux 5.12 or newer is needed");
	return err_new(-errno, "set mount flags");
}

int mount_pivot(int root)
{
	char cwd[4096];

	if (fchdir(root) < 0)
		return err_new(-errno, "enter the new root");
	/* New root and place for the old one may be the same: the old root then lies on top of the new. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_new(-errno, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_new(-errno, "drop the old root");
	if (chdir("/") < 0)
		return err_new(-errno, "enter the new root");
	/* The raw call: C libraries hide "(unreachable)". */
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		return err_new(-errno, "where are we");
	if (strcmp(cwd, "/") != 0)
		return err_new(-EXDEV, "the new root is at %s", cwd);
	return 0;
}

int mount_is_fs(int fd, uint64_t magic)
{
	struct statfs s;

	if (fstatfs(fd, &s) < 0)
		return err_new(-errno, "statfs");
	return (uint64_t)(unsigned long)s.f_type == magic;
}
