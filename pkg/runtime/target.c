/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"

#define LINKS_MAX 40
#define PROC_MAGIC 0x9fa0
#define CGROUP2_MAGIC 0x63677270
#define CGROUP_MAGIC 0x27e0eb

/* Nothing of a user or an image may lie over procfs or a cgroup tree (R05, R27). */
static int check_place(int fd, const char *path, bool directory)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_new(-errno, "stat %s", path);
	if (mount_is_fs(fd, PROC_MAGIC) || mount_is_fs(fd, CGROUP2_MAGIC) ||
	    mount_is_fs(fd, CGROUP_MAGIC))
		return err_new(-EPERM, "mounts below /proc or in a cgroup tree are refused: %s",
			       path);
	if (S_ISDIR(st.st_mode) != directory)
		return err_new(directory ? -ENOTDIR : -EISDIR, "%s in the image is %s", path,
			       directory ? "not a directory" : "a directory");
	return 0;
}

/* Make the missing last component; 0 with a descriptor, or 0 and -EBADF when a dangling link stands there. */
static int make_last(int root, const char *path, bool directory, int *ret, char link[4096])
{
	AUTO_CLOSE int parent = -EBADF;
	const char *name;
	ssize_t n;
	int r;

	parent = parent_in(root, path, 0755, &name);
	if (parent < 0)
		return parent;
	if (!*name || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
		return err_new(-ENOENT, "make %s in root", path);
	r = directory ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0);
	if (r == 0 && directory)
		r = fchmodat(parent, name, 0755,
			     0); /* our umask is not the image's; just made, no link */
	if (r == 0) {
		*ret = open_nofollow(parent, name, O_PATH, 0);
		return *ret < 0 ? *ret : 0;
	}
	if (errno != EEXIST)
		return err_new(-errno, "make %s in root", path);
	n = readlinkat(parent, name, link, 4095);
	if (n < 0)
		return err_new(-errno, "make %s in root", path);
	link[n] = '\0';
	return 0;
}

int target_ensure(int root, const char *path, bool directory)
{
	char at[8192], link[4096], next[8192];

	while (*path == '/')
		path++;
	(void)snprintf(at, sizeof(at), "%s", path);
	for (int i = 0; i < LINKS_MAX; i++) {
		AUTO_CLOSE int fd = open_in(root, at, O_PATH, 0);
		const char *slash;
		int r;

		if (fd == -ENOENT)
			r = make_last(root, at, directory, &fd, link);
		else
			r = fd < 0 ? fd : 0;
		if (r < 0)
			return r;
		if (fd >= 0) {
			r = check_place(fd, path, directory);
			return r < 0 ? r : TAKE_FD(fd);
		}
		/* A dangling link: its end is made, inside the root, as if it had been asked for. */
		slash = strrchr(at, '/');
		r = snprintf(next, sizeof(next), "%.*s%s",
			     *link == '/' || !slash ? 0 : (int)(slash - at) + 1, at, link);
		if (r < 0 || (size_t)r >= sizeof(next))
			return err_new(-ENAMETOOLONG, "follow %s", path);
		memcpy(at, next, sizeof(at));
	}
	return err_new(-ELOOP, "follow %s", path);
}
