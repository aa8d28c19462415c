/* SPDX-License-Identifier: MIT */
/*
 * The end of a command that took too long, with all that came of it. The command is the subreaper of
 * what it starts: a session of its own or a second fork takes nothing out of its tree while it lives.
 * So it is stopped and kept until what is below it is dead; a process that dies hands its children
 * up to it, and they have their turn in the next round. Nothing is allocated and nothing waited for.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/exec.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/process.h"

static bool kill_living(pid_t pid)
{
	AUTO_CLOSE int fd = pidfd_open_pid(pid);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0 || poll(&p, 1, 0) != 0) /* gone, or dead and not reaped */
		return false;
	return pidfd_signal(fd, SIGKILL) == 0;
}

/* The kernel's list is "12 345 ": a number may be cut by the end of what was read. */
static unsigned kill_children_of(int tasks, const char *tid)
{
	AUTO_CLOSE int fd = -EBADF;
	char path[300], b[1024];
	unsigned n = 0;
	pid_t pid = 0;
	ssize_t len;

	(void)snprintf(path, sizeof(path), "%s/children", tid);
	fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (len = read(fd, b, sizeof(b))) > 0)
		for (ssize_t i = 0; i < len; i++) {
			if (b[i] >= '0' && b[i] <= '9') {
				pid = 10 * pid + b[i] - '0';
				continue;
			}
			n += pid > 1 && kill_living(pid);
			pid = 0;
		}
	return n;
}

unsigned rt_exec_kill_below(pid_t payload)
{
	AUTO_CLOSE int tasks = -EBADF;
	_Alignas(struct dirent64) char b[2048];
	unsigned killed = 0;
	char path[32];
	ssize_t n;

	if (payload <= 1)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)payload);
	tasks = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (tasks >= 0 && (n = syscall(SYS_getdents64, tasks, b, sizeof(b))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(b + at);

			at += e->d_reclen;
			if (e->d_name[0] != '.')
				killed += kill_children_of(tasks, e->d_name);
		}
	err_drop();
	return killed;
}

static bool has_word(int report)
{
	struct pollfd p = {.fd = report, .events = POLLIN};

	return report >= 0 && poll(&p, 1, 0) > 0;
}

pid_t rt_exec_hold(pid_t stage, int report)
{
	int fds[RT_SYNC_FDS] = {-EBADF, -EBADF};
	pid_t payload = -1;

	/* Stopped, the stage cannot reap the payload between our look and our signal. */
	(void)kill(stage, SIGSTOP);
	if (has_word(report) && sync_wait(report, RT_POINT_MAPPED, fds) == 0)
		payload = rt_pid_of_pidfd(fds[0]);
	if (payload > 1)
		(void)kill(payload, SIGSTOP);
	for (unsigned i = 0; i < RT_SYNC_FDS; i++)
		closep(&fds[i]);
	err_drop();
	return payload;
}

void rt_exec_kill(pid_t stage, pid_t payload)
{
	if (payload > 1)
		(void)kill(-payload, SIGKILL); /* its group's too: it made a session */
	(void)kill(stage, SIGKILL);
}

int rt_exec_result(int report)
{
	int r = has_word(report) ? sync_wait(report, RT_POINT_MAPPED, NULL) : 0;

	if (r == 0 && has_word(report))
		r = sync_wait(report, RT_POINT_EXEC, NULL);
	return r;
}
