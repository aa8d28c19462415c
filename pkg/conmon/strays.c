/* SPDX-License-Identifier: MIT */
/*
 * With the host's pid namespace the end of pid 1 is not that of its children: they become ours, the
 * subreaper's, and end here. Ours are also helpers and keepers, which live in our own user
 * namespace; what comes of a container never does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/conmon/monitor.h"

#define ROUNDS 2000 /* of a millisecond: a tree may be deep */
#define QUIET_ROUNDS 5

static bool is_of_container(pid_t pid, ino_t ours)
{
	char path[48];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return stat(path, &st) == 0 && st.st_ino != ours;
}

/* Return: how many there were; those beyond the buffer have their turn in the next round. */
static unsigned kill_children(ino_t ours)
{
	AUTO_CLOSE int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	unsigned n = 0;
	char list[4096];
	ssize_t len;

	len = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);
	if (len <= 0)
		return 0;
	list[len] = '\0';
	for (char *p = list, *end;; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p || *end != ' ') /* the last may be cut */
			return n;
		if (is_of_container((pid_t)pid, ours) && kill((pid_t)pid, SIGKILL) == 0)
			n++;
	}
}

static bool has_children(void)
{
	siginfo_t si;

	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void strays_end(void)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	struct stat ours;

	if (!has_children() || stat("/proc/self/ns/user", &ours) < 0)
		return;
	/* A dying child hands its own on a moment after it has left its namespaces. */
	for (int i = 0, quiet = 0, n; i < ROUNDS && quiet < QUIET_ROUNDS; i++) {
		n = (int)kill_children(ours.st_ino);
		if (i == 0 && n == 0)
			return;
		quiet = n ? 0 : quiet + 1;
		(void)nanosleep(&pause, NULL);
	}
}
