/* SPDX-License-Identifier: MIT */
#include "pkg/sys/userns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/procfs.h"

/* The kernel's fixed inode of the first user namespace (include/linux/proc_ns.h). */
#define USER_NS_INIT_INODE 0xEFFFFFFDU

static int related(int ns, unsigned long request, const char *what)
{
	int fd = ioctl(ns, request);

	if (fd < 0)
		return err_new(-errno, "%s", what);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) { /* the kernel sets it since 4.9; be sure */
		int r = -errno;

		(void)close(fd);
		return err_new(r, "%s", what);
	}
	return fd;
}

int userns_parent(int ns)
{
	return related(ns, NS_GET_PARENT, "parent of a user namespace");
}

int userns_of(int ns)
{
	return related(ns, NS_GET_USERNS, "user namespace that owns a namespace");
}

int userns_owner(int ns, uid_t *ret)
{
	uid_t uid;

	if (ioctl(ns, NS_GET_OWNER_UID, &uid) < 0)
		return err_new(-errno, "owner of a user namespace");
	*ret = uid;
	return 0;
}

int userns_inode(int ns, uint64_t *ret)
{
	struct stat st;

	if (fstat(ns, &st) < 0)
		return err_new(-errno, "inode of a namespace");
	*ret = st.st_ino;
	return 0;
}

int userns_write(pid_t pid, const char *file, const char *text)
{
	AUTO_CLOSE int proc = procfs_open_host();
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
	return proc < 0 ? proc : procfs_write(proc, path, text);
}

int userns_is_initial(void)
{
	struct stat st;

	if (stat("/proc/self/ns/user", &st) < 0)
		return err_new(-errno, "stat /proc/self/ns/user");
	return st.st_ino == USER_NS_INIT_INODE;
}

int userns_create_as(uid_t uid, gid_t gid)
{
	int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	/* Else the kernel takes the capabilities over files away along with uid 0. */
	if (bits < 0 ||
	    prctl(PR_SET_SECUREBITS, (unsigned long)bits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		return err_new(-errno, "keep capabilities");
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	/* They report no failure; the call with an impossible id tells what is set. */
	if ((uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid)
		return err_new(-EINVAL, "make files as %u:%u", (unsigned)uid, (unsigned)gid);
	return 0;
}

int userns_become_root(uid_t uid, gid_t gid)
{
	char map[48];
	int r = userns_write(getpid(), "setgroups", "deny");

	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	if (r == 0)
		r = userns_write(getpid(), "uid_map", map);
	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	return r < 0 ? r : userns_write(getpid(), "gid_map", map);
}
