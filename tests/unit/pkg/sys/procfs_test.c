/* SPDX-License-Identifier: MIT */
/* threats: R06. Everything happens in a mount namespace of a child, as root of a user namespace of one id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/procfs.h"

#define NO_NAMESPACES 77

static void put(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write_full(fd, text, strlen(text)) < 0)
		_exit(NO_NAMESPACES);
}

static void own_namespaces(void)
{
	char map[64], gid_map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)getuid());
	(void)snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getgid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		_exit(NO_NAMESPACES);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", map);
	put("/proc/self/gid_map", gid_map);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(NO_NAMESPACES);
}

/* What is at @path is covered by @decoy, then by a file of procfs that may be written. */
static bool is_written_through(int proc, const char *path, const char *decoy)
{
	const char *over[] = {decoy, "/proc/self/comm"};
	char target[96], before[32] = "", after[32] = "";
	bool through = false;

	(void)snprintf(target, sizeof(target), "/proc/%s", path);
	for (unsigned i = 0; i < 2; i++) {
		AUTO_CLOSE int fd = open(over[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || mount(over[i], target, NULL, MS_BIND, NULL) < 0)
			return true;
		through |= pread(fd, before, sizeof(before) - 1, 0) < 0 ||
			   procfs_write(proc, path, "evil") != -EXDEV ||
			   pread(fd, after, sizeof(after) - 1, 0) < 0 || strcmp(before, after) != 0;
		(void)umount(target);
	}
	return through;
}

/* Another file lies over the one that is to be written. 0 when every write was refused and nothing arrived there. */
static int covered(void)
{
	char dir[] = "/tmp/cuddy-procfs-XXXXXX", target[96], path[64], decoy[64], text[32] = "";
	AUTO_CLOSE int proc = procfs_open_host(), fd = -EBADF;
	pid_t self;

	if (proc < 0 || procfs_self(proc, &self) < 0 || !mkdtemp(dir))
		return 1;
	if (mount("tmpfs", dir, "tmpfs", 0, NULL) < 0)
		return NO_NAMESPACES;
	(void)snprintf(decoy, sizeof(decoy), "%s/decoy", dir);
	fd = open(decoy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	(void)snprintf(path, sizeof(path), "%d/oom_score_adj", (int)self);
	(void)snprintf(target, sizeof(target), "/proc/%s", path);
	if (fd < 0 || procfs_write(proc, path, "500") < 0)
		return 2;
	if (mount(decoy, target, NULL, MS_BIND, NULL) < 0)
		return 3;
	if (procfs_write(proc, path, "600") != -EXDEV || read(fd, text, sizeof(text)) != 0)
		return 4;
	/* procfs over procfs is another mount too. */
	(void)umount(target);
	if (mount("/proc/self/comm", target, NULL, MS_BIND, NULL) < 0)
		return 5;
	if (procfs_write(proc, path, "600") != -EXDEV)
		return 6;
	(void)umount(target);
	if (procfs_write(proc, "self/oom_score_adj", "600") != -ELOOP)
		return 7;
	if (procfs_write(proc, "../tmp/x", "600") != -EXDEV)
		return 8;
	if (procfs_read(proc, path, text, sizeof(text)) < 0 || strcmp(text, "500\n") != 0)
		return 9;
	/* The same of a label and of a parameter: a file of a tmpfs, then one of procfs lies there. */
	(void)snprintf(target, sizeof(target), "%d/attr/exec", (int)self);
	if (is_written_through(proc, target, decoy) ||
	    is_written_through(proc, "sys/net/ipv4/ip_forward", decoy))
		return 10;
	(void)umount2(dir, MNT_DETACH);
	(void)rmdir(dir);
	return 0;
}

/* What stands at /proc is no procfs, or one that is not its root. */
static int replaced(void)
{
	if (mount("/proc/self", "/proc", NULL, MS_BIND | MS_REC, NULL) < 0)
		return NO_NAMESPACES;
	if (procfs_open_host() != -EXDEV)
		return 1;
	if (umount2("/proc", MNT_DETACH) < 0 || mount("tmpfs", "/proc", "tmpfs", 0, NULL) < 0)
		return NO_NAMESPACES;
	return procfs_open_host() == -EXDEV ? 0 : 2;
}

static void in_child(int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		own_namespaces();
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACES)
		skip();
	assert_int_equal(status, 0);
}

static void what_lies_over_a_file_is_not_written(void **state)
{
	(void)state;
	in_child(covered);
}

static void what_is_not_the_root_of_procfs_is_refused(void **state)
{
	(void)state;
	in_child(replaced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_over_a_file_is_not_written),
		cmocka_unit_test(what_is_not_the_root_of_procfs_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
