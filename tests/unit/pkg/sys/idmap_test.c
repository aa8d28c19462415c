/* SPDX-License-Identifier: MIT */
/* What the kernel lets an unprivileged user do with ids, on which storage/owned.c relies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/auto.h"

static int write_file(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* In a user namespace of our own: the error of an id-mapped mount of @dir, 0 when there can be one. */
static int idmap_error(const char *dir)
{
	struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP};
	char map[64];
	int mnt;

	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)getuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return ENOSYS;
	if (write_file("/proc/self/uid_map", map) < 0)
		return ENOSYS;
	mnt = (int)syscall(SYS_open_tree, AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mnt < 0)
		return errno;
	a.userns_fd = (uint64_t)open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	return syscall(SYS_mount_setattr, mnt, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0 ? errno : 0;
}

/*
 * S14: of a file system that the host mounted no id-mapped mount can be made by who is root in a user
 * namespace alone. So layers for other maps are copies (by shared blocks where there are such). When this
 * test fails the kernel has learned it, and the copies should go.
 */
/* images: S14 */
static void an_idmapped_mount_wants_the_file_systems_owner(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(idmap_error("/tmp"));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idmapped_mount_wants_the_file_systems_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
