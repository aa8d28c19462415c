/* SPDX-License-Identifier: MIT */
/*
 * A command whose caller leaves it before its end. The stage dies with the caller, by the kernel's word,
 * and hears the caller's terminal; at a signal it lets go of both. That it has is seen by its session:
 * it is asked for last.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/runtime/exec.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/process.h"

#define LEAVE_SIGNAL SIGUSR1
#define PATIENCE_NS (5 * NS_PER_S)

static void let_go(int signal)
{
	(void)signal;
	(void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	(void)setsid();
}

int exec_may_be_left(void)
{
	struct sigaction sa = {.sa_handler = let_go, .sa_flags = SA_RESTART};

	return sigaction(LEAVE_SIGNAL, &sa, NULL) < 0 ? err_new(-errno, "sigaction") : 0;
}

int rt_exec_leave(const struct rt_exec_started *s)
{
	const struct timespec moment = {.tv_nsec = NS_PER_MS};
	int64_t end = clock_monotonic_ns() + PATIENCE_NS;
	int r = pidfd_signal(s->stage_pidfd, LEAVE_SIGNAL);

	while (r == 0 && getsid(s->stage_pid) != s->stage_pid) {
		if (clock_monotonic_ns() > end)
			return err_new(-ETIMEDOUT, "leave the command to itself");
		(void)nanosleep(&moment, NULL);
	}
	return r;
}
