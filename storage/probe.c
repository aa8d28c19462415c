/* SPDX-License-Identifier: MIT */
/*
 * Does the kernel's overlay work here? Neither the name of the file system nor the kernel's version
 * tells: NFS has user attributes or not, FUSE has whiteouts or not, overlay on overlay mounts and then
 * refuses writes. So a child in namespaces of its own mounts one and does what containers do.
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "pkg/sys/userns.h"
#include "storage/driver.h"
#include "storage/store_internal.h"

#define ATTRIBUTE "user.cuddy.probe"
#define OPAQUE "user.overlay.opaque"

enum outcome {
	WORKS,
	NO_NAMESPACE,
	NO_MOUNT,
	NO_COPY_UP,
	NO_WHITEOUT,
	NO_OPAQUE,
	OUTCOMES,
};

static const char *const whys[OUTCOMES] = {
	[NO_MOUNT] = "the kernel refuses an overlay on its file system",
	[NO_COPY_UP] = "an overlay on its file system cannot change files",
	[NO_WHITEOUT] = "an overlay on its file system cannot delete files",
	[NO_OPAQUE] = "an overlay on its file system cannot replace directories",
};

static bool is_whiteout(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

/* In the child, standing in the probe's directory. */
static enum outcome use_overlay(void)
{
	char v = 0;
	int fd;

	if (mount("overlay", "merged", "overlay", 0,
		  "userxattr,lowerdir=lower,upperdir=upper,workdir=work") < 0)
		return NO_MOUNT;
	fd = open("merged/changed", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, "y", 1) != 1 || close(fd) < 0)
		return NO_COPY_UP;
	if (unlink("merged/deleted") < 0 || !is_whiteout("upper/deleted"))
		return NO_WHITEOUT;
	if (rmdir("merged/dir") < 0 || mkdir("merged/dir", 0700) < 0 ||
	    getxattr("upper/dir", OPAQUE, &v, 1) != 1 || v != 'y')
		return NO_OPAQUE;
	return WORKS;
}

/* @dir belongs to the mounts of our parent; the path leads to our own copy of them. */
static bool enter(int dir)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return n > 0 && chdir(path) == 0;
}

static void __attribute__((noreturn)) child(int dir, uid_t uid, gid_t gid)
{
	enum outcome o = NO_NAMESPACE;

	if (userns_become_root(uid, gid) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && enter(dir)) {
		o = use_overlay();
		(void)umount2("merged", MNT_DETACH);
		(void)rmtree(dir, "work"); /* overlay's own part of it has mode 000 */
	}
	_exit((int)o);
}

static enum outcome try_overlay(int dir)
{
	AUTO_CLOSE int pidfd = -EBADF;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int status = NO_NAMESPACE;
	pid_t pid = clone_fork(CLONE_NEWUSER | CLONE_NEWNS, &pidfd);

	if (pid == 0)
		child(dir, uid, gid);
	if (pid < 0 || pidfd_wait(pidfd, -1, &status) < 0 || status < 0 || status >= OUTCOMES) {
		err_drop();
		return NO_NAMESPACE;
	}
	return (enum outcome)status;
}

static int make_probe(int dir)
{
	static const char *const dirs[] = {"lower", "lower/dir", "upper", "work", "merged"};
	static const char *const files[] = {"lower/changed", "lower/deleted"};

	for (unsigned i = 0; i < ARRAY_LEN(dirs); i++)
		if (mkdirat(dir, dirs[i], 0700) < 0)
			return err_new(-errno, "make directory %s", dirs[i]);
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (mknodat(dir, files[i], S_IFREG | 0600, 0) < 0)
			return err_new(-errno, "make %s", files[i]);
	return 0;
}

static void probe_in(int dir, struct fs_probe *p)
{
	enum outcome o;

	p->attributes = fsetxattr(dir, ATTRIBUTE, "1", 1, 0) == 0;
	p->whiteouts = mknodat(dir, "whiteout", S_IFCHR, 0) == 0;
	if (!p->attributes) {
		p->why_not = "its file system has no user.* extended attributes";
		return;
	}
	o = try_overlay(dir);
	if (o == NO_NAMESPACE)
		o = p->whiteouts ? WORKS : NO_WHITEOUT;
	p->overlay = o == WORKS;
	p->why_not = whys[o];
}

static int try_out(int root, const char *name, struct fs_probe *ret)
{
	AUTO_CLOSE int dir = -EBADF;
	int r;

	if (mkdirat(root, name, 0700) < 0)
		return err_new(-errno, "make directory %s", name);
	dir = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = dir < 0 ? err_new(-errno, "open %s", name) : make_probe(dir);
	if (r == 0)
		probe_in(dir, ret);
	if (rmtree(root, name) < 0 && r == 0)
		r = -EIO;
	return r;
}

int driver_probe(int root, struct fs_probe *ret)
{
	mode_t callers = umask(
		077); /* one that takes our own bits would answer for the file system */
	char name[32] = PROBE_DIR;
	int r;

	*ret = (struct fs_probe){0};
	random_hex(name + strlen(name), 16);
	r = try_out(root, name, ret);
	(void)umask(callers);
	log_debug("storage", "attributes %d, whiteouts %d, overlay %d", ret->attributes,
		  ret->whiteouts, ret->overlay);
	return r;
}
