/* SPDX-License-Identifier: MIT */
#include "pkg/sys/procfs.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/sys/mount.h"

#define PROC_MAGIC 0x9fa0
#define PROC_ROOT_INO 1

int procfs_open_host(void)
{
	AUTO_CLOSE int fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_new(-errno, "open /proc");
	if (mount_is_fs(fd, PROC_MAGIC) != 1 || fstat(fd, &st) < 0 || st.st_ino != PROC_ROOT_INO)
		return err_new(-EXDEV, "/proc is not procfs");
	return TAKE_FD(fd);
}

static int open_checked(int proc, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	AUTO_CLOSE int fd = (int)syscall(SYS_openat2, proc, path, &how, sizeof(how));

	if (fd < 0)
		return err_new(-errno, "open /proc/%s", path);
	if (mount_is_fs(fd, PROC_MAGIC) != 1)
		return err_new(-EXDEV, "/proc/%s is not procfs", path);
	return TAKE_FD(fd);
}

int procfs_write(int proc, const char *path, const char *text)
{
	AUTO_CLOSE int fd = open_checked(proc, path, O_WRONLY);
	size_t n = strlen(text);

	if (fd < 0)
		return fd;
	if (write(fd, text, n) != (ssize_t)n)
		return err_new(errno ? -errno : -EIO, "write '%s' to /proc/%s", text, path);
	return 0;
}

ssize_t procfs_read(int proc, const char *path, char *buf, size_t size)
{
	AUTO_CLOSE int fd = open_checked(proc, path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read_upto(fd, buf, size - 1);
	if (n < 0)
		return err_new((int)n, "read /proc/%s", path);
	buf[n] = '\0';
	return n;
}

int procfs_self(int proc, pid_t *ret)
{
	char buf[16];
	uint32_t pid;
	ssize_t n = readlinkat(proc, "self", buf, sizeof(buf) - 1);

	if (n < 0)
		return err_new(-errno, "read /proc/self");
	buf[n] = '\0';
	if (parse_u32(buf, INT32_MAX, &pid) < 0)
		return err_new(-ESRCH, "we are not in that /proc");
	*ret = (pid_t)pid;
	return 0;
}
