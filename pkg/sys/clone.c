/* SPDX-License-Identifier: MIT */
#include "pkg/sys/clone.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/err.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

static pid_t clone_to(uint64_t flags, int cgroup, int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args a = {
		.flags = flags | (ret_pidfd ? (uint64_t)CLONE_PIDFD : 0) |
			 (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = (flags & CLONE_PARENT) ? 0
						      : SIGCHLD, /* then the caller's own counts */
		.cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
	};
	long pid = syscall(SYS_clone3, &a, sizeof(a));

	if (pid < 0 && errno == ENOSYS && cgroup < 0)
#if defined(__s390x__)
		pid = syscall(SYS_clone, 0, (unsigned long)(a.flags | SIGCHLD), &pidfd, NULL, 0);
#else
		pid = syscall(SYS_clone, (unsigned long)(a.flags | SIGCHLD), 0, &pidfd, 0, 0);
#endif
	if (pid < 0)
		return err_new(-errno, cgroup >= 0 ? "clone into a cgroup" : "clone");
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

pid_t clone_fork(uint64_t flags, int *ret_pidfd)
{
	return clone_to(flags, -1, ret_pidfd);
}

pid_t clone_fork_into(uint64_t flags, int cgroup, int *ret_pidfd)
{
	return clone_to(flags, cgroup, ret_pidfd);
}

#ifndef __SANITIZE_ADDRESS__
/* A few paths of PATH_MAX deep, and as much again; what is not touched costs nothing. */
#define STACK_SIZE (512U << 10)

pid_t clone_vfork(int (*child)(void *arg), void *arg, int *ret_pidfd)
{
	int pidfd = -1, flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (ret_pidfd ? CLONE_PIDFD : 0);
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	pid_t pid;
	int r;

	if (stack == MAP_FAILED)
		return err_new(-errno, "map a stack");
	(void)mprotect(stack, 4096, PROT_NONE); /* what runs over its end is stopped there */
	pid = clone(child, stack + STACK_SIZE, flags, arg, &pidfd, NULL, NULL);
	r = errno;
	(void)munmap(stack, STACK_SIZE); /* the child is elsewhere by now */
	if (pid < 0)
		return err_new(-r, "clone");
	if (ret_pidfd)
		*ret_pidfd = pidfd;
	return pid;
}
#else
/* It knows of one stack only. */
pid_t clone_vfork(int (*child)(void *arg), void *arg, int *ret_pidfd)
{
	pid_t pid = clone_fork(0, ret_pidfd);

	if (pid == 0)
		_exit(child(arg));
	return pid;
}
#endif
