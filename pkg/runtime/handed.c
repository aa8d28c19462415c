/* SPDX-License-Identifier: MIT */
/* Descriptors on their way between our programs. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/open.h"

/* First all out of the way, then into place. */
int rt_place_fds(int *fds, unsigned n, int *exe)
{
	for (unsigned i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, (int)n);
		if (fds[i] < 0)
			return -errno;
	}
	*exe = fcntl(*exe, F_DUPFD_CLOEXEC, (int)n);
	if (*exe < 0)
		return -errno;
	for (unsigned i = 0; i < n; i++)
		if (dup2(fds[i], (int)i) < 0) /* lint: these are meant to stay open across exec */
			return -errno;
	return fd_close_from(n, 0);
}

pid_t rt_pid_of_pidfd(int pidfd)
{
	char path[48], info[512];
	AUTO_CLOSE int fd = -EBADF;
	const char *p;
	ssize_t n;
	int pid = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read_upto(fd, info, sizeof(info) - 1);
	if (n <= 0)
		return -1;
	info[n] = '\0';
	p = strstr(info, "\nPid:");
	return p && sscanf(p, "\nPid:%d", &pid) == 1 ? pid : -1;
}
