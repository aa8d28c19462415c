/* SPDX-License-Identifier: MIT */
/*
 * slirp4netns for the bridges' namespace. It is started here, in the process that stayed in the host's
 * network; when it dies another one takes its place, in which the bridges find the same addresses.
 */
#include "pkg/net/uplink.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/sys/process.h"

#define GOOD_RUN_NS (2 * NS_PER_S)
#define PAUSE_MS 250

static pid_t start(const char *program, int netns, int ready_fd)
{
	char path[40], ready[16], configure[] = "--configure", sandbox[] = "--enable-sandbox",
				  seccomp[] = "--enable-seccomp",
				  loopback[] = "--disable-host-loopback", ipv6[] = "--enable-ipv6",
				  mtu[] = "--mtu=65520", type[] = "--netns-type=path",
				  word[] = "--ready-fd", end[] = "--", device[] = UPLINK_DEVICE;
	char *argv[] = {(char *)(uintptr_t)program,
			configure,
			sandbox,
			seccomp,
			loopback,
			ipv6,
			mtu,
			type,
			word,
			ready,
			end,
			path,
			device,
			NULL};
	const int keep[] = {netns, ready_fd};
	AUTO_CLOSE int pidfd = -EBADF;
	struct spawn s;
	pid_t pid = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", netns);
	(void)snprintf(ready, sizeof(ready), "%d", ready_fd);
	s = (struct spawn){.path = program,
			   .argv = argv,
			   .stdio = {-1, -1, log_wants("net") ? 2 : -1},
			   .keep = keep,
			   .n_keep = ARRAY_LEN(keep),
			   .death_signal = SIGKILL,
			   .new_session = true};
	pidfd = spawn_start(&s, &pid);
	if (pidfd < 0) {
		log_debug("net", "%s", err_message(pidfd));
		err_drop();
		return -1;
	}
	return pid;
}

int uplink_hold(const char *program, int netns, int ready_fd, pid_t keeper)
{
	int64_t since = clock_monotonic_ns();
	pid_t slirp = program ? start(program, netns, ready_fd) : -1;

	for (;;) {
		const struct timespec pause = {.tv_nsec = PAUSE_MS * NS_PER_MS};
		int status = 0;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0 && errno != EINTR)
			return 1;
		if (pid == keeper)
			return status_decode(status);
		if (pid != slirp || !program)
			continue;
		if (clock_monotonic_ns() - since < GOOD_RUN_NS)
			(void)nanosleep(&pause, NULL);
		since = clock_monotonic_ns();
		slirp = start(program, netns, ready_fd);
	}
}
