/* SPDX-License-Identifier: MIT */
#include "pkg/runtime/pins.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/clone.h"

static const char *const names[RT_PINS] = {
	[RT_NS_USER] = "user", [RT_NS_UTS] = "uts",       [RT_NS_IPC] = "ipc",
	[RT_NS_NET] = "net",   [RT_NS_CGROUP] = "cgroup", [RT_PIN_MOUNTS] = "mnt",
};

int pins_open(pid_t pid, int pins[RT_PINS])
{
	char path[PIN_PATH_MAX];

	for (unsigned i = 0; i < RT_PINS; i++) {
		if (!names[i])
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, names[i]);
		pins[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (pins[i] < 0)
			return err_new(-errno, "open %s", path);
	}
	return 0;
}

void pins_close(int pins[RT_PINS])
{
	for (unsigned i = 0; i < RT_PINS; i++)
		closep(&pins[i]);
}

static void __attribute__((noreturn)) visitor_main(const int *pins, pid_t monitor, int out)
{
	char word = 1;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* EINVAL: the user namespace is our own. */
	if ((setns(pins[RT_NS_USER], CLONE_NEWUSER) < 0 && errno != EINVAL) ||
	    setns(pins[RT_NS_NET], CLONE_NEWNET) < 0)
		_exit(1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* entering has cleared it */
	if (getppid() != monitor || write_full(out, &word, 1) < 0)
		_exit(1);
	for (;;)
		(void)pause();
}

pid_t pins_visit(const int pins[RT_PINS])
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF;
	int p[2];
	char word;
	pid_t pid, self = getpid();

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	pid = clone_fork(0, NULL);
	if (pid == 0)
		visitor_main(pins, self, wr);
	closep(&wr);
	if (pid > 0 && read_full(rd, &word, 1) < 0) {
		pins_leave(pid);
		return err_new(-ESRCH, "visit the namespaces");
	}
	return pid;
}

void pins_leave(pid_t visitor)
{
	(void)kill(visitor, SIGKILL); /* our child, not yet reaped */
	while (waitpid(visitor, NULL, 0) < 0 && errno == EINTR)
		;
}

void pin_path(const struct proc_id *monitor, int fd, char out[PIN_PATH_MAX])
{
	(void)snprintf(out, PIN_PATH_MAX, "/proc/%d/fd/%d", (int)monitor->pid, fd);
}

int pin_open(const struct proc_id *monitor, int fd)
{
	AUTO_CLOSE int pidfd = pidfd_of(monitor), pin = -EBADF;
	char path[PIN_PATH_MAX];

	if (pidfd < 0)
		return -ESRCH;
	pin_path(monitor, fd, path);
	pin = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (pin < 0)
		return errno == ENOENT ? -ESRCH : err_new(-errno, "open %s", path);
	/* Still that monitor: its number was not used again between the check and the open. */
	if (pidfd_signal(pidfd, 0) < 0) {
		err_drop();
		return -ESRCH;
	}
	return TAKE_FD(pin);
}
