/* SPDX-License-Identifier: MIT */
/*
 * slirp4netns, or pasta, for the bridges' namespace. It is started here, in the process that stayed in the host's
 * network; when it dies another one takes its place, in which the bridges find the same addresses.
 */
#include "pkg/net/uplink.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/helper_internal.h"
#include "net/pasta.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/sys/process.h"

#define GOOD_RUN_NS (2 * NS_PER_S)
#define PAUSE_MS 250
#define SHORT_RUNS_MAX 3

/* What it has in common with slirp4netns is told to pasta: device, addresses, the name server. */
static int pasta(const char *program, struct helper_text *t, struct helper_words *w)
{
	struct net_plan n = {.mode = NET_PASTA,
			     .helper_path = program,
			     .options = "--ns-ifname," UPLINK_DEVICE
					",--address,10.0.2.100,--netmask,24,--gateway,10.0.2.2"};

	net_pasta_plan(&n);
	if (n.dns)
		n.dns = strchr(n.dns, ':') ? UPLINK_DNS6 : UPLINK_DNS;
	return pasta_words(&n, t, w);
}

static void slirp(const char *program, const struct helper_text *t, struct helper_words *w)
{
	const char *const words[] = {program,
				     "--configure",
				     "--enable-sandbox",
				     "--enable-seccomp",
				     "--disable-host-loopback",
				     "--enable-ipv6",
				     "--mtu=65520",
				     "--netns-type=path",
				     "--ready-fd",
				     t->quit,
				     "--",
				     t->target,
				     UPLINK_DEVICE};

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		helper_word(w, words[i]);
}

bool uplink_is_pasta(const char *program)
{
	const char *base = strrchr(program, '/');

	return strcmp(base ? base + 1 : program, "pasta") == 0;
}

static pid_t start(const char *program, int netns, int ready_fd)
{
	const int keep[] = {netns, ready_fd};
	struct helper_words w = {.n = 0};
	AUTO_CLOSE int pidfd = -EBADF;
	struct helper_text t;
	struct spawn s;
	pid_t pid = -1;
	int r = 0;

	(void)snprintf(t.target, sizeof(t.target), "/proc/self/fd/%d", netns);
	(void)snprintf(t.ready, sizeof(t.ready), "/proc/self/fd/%d", ready_fd);
	(void)snprintf(t.quit, sizeof(t.quit), "%d", ready_fd);
	if (uplink_is_pasta(program))
		r = pasta(program, &t, &w);
	else
		slirp(program, &t, &w);
	s = (struct spawn){.path = program,
			   .argv = w.v,
			   .stdio = {-1, -1, log_wants("net") ? 2 : -1},
			   .keep = keep,
			   .n_keep = ARRAY_LEN(keep),
			   .death_signal = SIGKILL,
			   .new_session = true};
	pidfd = r < 0 ? r : spawn_start(&s, &pid);
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
	pid_t helper = program ? start(program, netns, ready_fd) : -1;
	unsigned short_runs = 0;

	if (program && helper < 0) /* it cannot be executed */
		(void)write_full(ready_fd, UPLINK_FAILS, 1);
	for (;;) {
		const struct timespec pause = {.tv_nsec = PAUSE_MS * NS_PER_MS};
		int status = 0;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0 && errno != EINTR)
			return 1;
		if (pid == keeper)
			return status_decode(status);
		if (pid != helper || !program)
			continue;
		if (clock_monotonic_ns() - since >= GOOD_RUN_NS)
			short_runs = 0;
		else if (++short_runs == SHORT_RUNS_MAX)
			(void)write_full(ready_fd, UPLINK_FAILS, 1);
		if (short_runs)
			(void)nanosleep(&pause, NULL);
		since = clock_monotonic_ns();
		helper = start(program, netns, ready_fd);
	}
}
