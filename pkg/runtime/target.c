/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/open.h"

#define DEPTH_MAX 128
#define PROC_MAGIC 0x9fa0
#define CGROUP2_MAGIC 0x63677270
#define CGROUP_MAGIC 0x27e0eb

/* Nothing of a user or an image may lie over procfs or a cgroup tree (R05, R27). */
int target_check(int fd, const char *path, bool directory)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return err_new(-errno, "stat %s", path);
	if (fs.f_type == PROC_MAGIC || fs.f_type == CGROUP2_MAGIC || fs.f_type == CGROUP_MAGIC)
		return err_new(-EPERM, "mounts below /proc or in a cgroup tree are refused: %s",
			       path);
	if (S_ISDIR(st.st_mode) != directory)
		return err_new(directory ? -ENOTDIR : -EISDIR, "%s in the image is %s", path,
			       directory ? "not a directory" : "a directory");
	return 0;
}

static int ensure(int root, const char *path, bool directory, int depth);

/* The end of a link that stands where @name was to be made, as seen from @head. */
static int ensure_link(int root, int parent, const char *head, const char *name, bool directory,
		       int depth)
{
	char link[4096], next[8192];
	ssize_t n = readlinkat(parent, name, link, sizeof(link) - 1);
	int len;

	if (n < 0)
		return err_new(-errno, "make %s/%s in root", head, name);
	link[n] = '\0';
	len = snprintf(next, sizeof(next), "%s%s%s", *link == '/' ? "" : head,
		       *link == '/' ? "" : "/", link);
	if (len < 0 || (size_t)len >= sizeof(next))
		return err_new(-ENAMETOOLONG, "follow %s", name);
	return ensure(root, next, directory, depth + 1);
}

/*
 * Component by component from the end: what exists is looked up by the kernel inside the root, what
 * is missing is made in the directory above, and a dangling link is followed, inside the root, as if
 * its end had been asked for.
 */
static int ensure(int root, const char *path, bool directory, int depth)
{
	AUTO_CLOSE int fd = open_in(root, path, O_PATH, 0), parent = -EBADF;
	char head[8192];
	const char *slash, *name;
	int r;

	if (fd != -ENOENT)
		return TAKE_FD(fd);
	if (depth > DEPTH_MAX)
		return err_new(-ELOOP, "make %s in root", path);
	slash = strrchr(path, '/');
	name = slash ? slash + 1 : path;
	(void)snprintf(head, sizeof(head), "%.*s", slash ? (int)(slash - path) : 0, path);
	if (!*name || strcmp(name, ".") == 0)
		return ensure(root, *head ? head : "/", directory, depth + 1);
	if (strcmp(name, "..") == 0)
		return err_new(-ENOENT, "make %s in root", path);
	parent = ensure(root, *head ? head : "/", true, depth + 1);
	if (parent < 0)
		return parent;
	/* Our umask is 0 here. */
	r = directory ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0);
	if (r == 0)
		return open_nofollow(parent, name, O_PATH, 0);
	if (errno != EEXIST)
		return err_new(-errno, "make %s in root", path);
	return ensure_link(root, parent, head, name, directory, depth);
}

int target_ensure(int root, const char *path, bool directory)
{
	AUTO_CLOSE int fd = -EBADF;
	int r;

	if (strlen(path) >= 4096)
		return err_new(-ENAMETOOLONG, "%.64s…", path);
	fd = ensure(root, path, directory, 0);
	r = fd < 0 ? fd : target_check(fd, path, directory);
	return r < 0 ? r : TAKE_FD(fd);
}
