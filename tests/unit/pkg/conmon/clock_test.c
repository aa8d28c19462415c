/* SPDX-License-Identifier: MIT */
/*
 * The clock of the machine is set, forward and back, at each look at it: no time-out, grace, pause or
 * interval of the monitor may notice. clock_gettime() is ours here, for both clocks.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/conmon/monitor.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

#define YEAR_NS (365 * 86400 * NS_PER_S)

static int64_t mono = 1000 * NS_PER_S;
static unsigned n_wall;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ns = mono;

	if (id == CLOCK_REALTIME)
		ns = (n_wall++ & 1 ? 1 : 200) * YEAR_NS;
	*ts = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
	return 0;
}

static struct monitor m;

static pid_t child_that_waits(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static bool has_ended(pid_t pid)
{
	siginfo_t si = {.si_pid = 0};

	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT), 0);
	return si.si_pid == pid;
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status_decode(status);
}

static int setup(void **state)
{
	(void)state;
	m = (struct monitor){.cgroup = -EBADF,
			     .state.status = CONMON_STOPPING, /* nothing of it is to be written */
			     .cfg.health.fd = -EBADF,
			     .cfg.startup.fd = -EBADF,
			     .run.pidfd = -EBADF,
			     .oom.fd = -EBADF,
			     .check.out = -EBADF,
			     .check.report = -EBADF};
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		m.clients[i].fd = -EBADF;
	return 0;
}

static void the_wall_clock_really_jumps(void **state)
{
	int64_t a = clock_now_ns(), b = clock_now_ns();

	(void)state;
	assert_true(llabs(a - b) > 100 * YEAR_NS);
	assert_int_equal(clock_monotonic_ns(), mono);
}

/* @arm sets the deadline, 5 s from now; what is killed then is killed then and not before. */
static void assert_killed_after_5_s(void (*arm)(void))
{
	pid_t pid = child_that_waits();

	m.run.pidfd = pidfd_open_pid(pid);
	arm();
	mono += 5 * NS_PER_S - 1;
	stop_check_deadlines(&m, clock_monotonic_ns());
	assert_false(has_ended(pid));
	mono += 1;
	stop_check_deadlines(&m, clock_monotonic_ns());
	assert_int_equal(end_of(pid), 128 + SIGKILL);
	closep(&m.run.pidfd);
}

static void arm_grace(void)
{
	stop_run(&m, CONMON_BY_USER, SIGURG, 5000); /* which a process does not notice */
}

static void arm_timeout(void)
{
	m.run_since_ns = clock_monotonic_ns();
	m.timeout_at_ns = m.run_since_ns + 5 * NS_PER_S;
}

static void grace_and_timeout_are_as_long_as_they_were(void **state)
{
	assert_killed_after_5_s(arm_grace);
	assert_int_equal(m.reason, CONMON_BY_USER);
	(void)setup(state);
	assert_killed_after_5_s(arm_timeout);
	assert_int_equal(m.reason, CONMON_BY_TIMEOUT);
}

static void pauses_before_a_restart_are_measured(void **state)
{
	(void)state;
	m.may_restart = true;
	m.cfg.restart = CONMON_RESTART_ALWAYS;
	m.run_since_ns = clock_monotonic_ns();
	for (int64_t pause_ns = 100 * NS_PER_MS; pause_ns < NS_PER_S; pause_ns *= 2) {
		assert_true(restart_is_due(&m));
		assert_int_equal(m.restart_at_ns, mono + pause_ns);
	}
	assert_int_equal(m.attempts, 4);
	mono += 10 * NS_PER_S - 1; /* a run is good after ten seconds */
	assert_true(restart_is_due(&m));
	assert_int_equal(m.attempts, 5);
	mono += 1;
	assert_true(restart_is_due(&m));
	assert_int_equal(m.attempts, 1);
	assert_int_equal(m.restart_at_ns, mono + 100 * NS_PER_MS);
}

static int64_t next_check(const struct cm_health *h)
{
	int fds[2] = {dup(2), -EBADF};

	assert_int_equal(check_replace(&m, h, "", fds), 0);
	return m.check.next_at_ns - mono;
}

static void checks_come_at_their_interval_and_end_at_their_time_out(void **state)
{
	const struct cm_health h = {.health = {.is_set = 1,
					       .interval_ns = 30 * NS_PER_S,
					       .timeout_ns = NS_PER_S,
					       .retries = 3},
				    .start_period_ns = 60 * NS_PER_S,
				    .start_interval_ns = 2 * NS_PER_S};
	pid_t stage = child_that_waits();

	(void)state;
	m.cfg.health.fd = dup(2);
	m.state.health = CONMON_HEALTH_STARTING;
	m.run_since_ns = clock_monotonic_ns();
	assert_int_equal(next_check(&h), 2 * NS_PER_S);
	mono += 60 * NS_PER_S - 1;
	assert_int_equal(next_check(&h), 2 * NS_PER_S);
	mono += 1; /* the start period is over */
	assert_int_equal(next_check(&h), 30 * NS_PER_S);
	closep(&m.cfg.health.fd);

	m.check.pid = stage;
	m.check.kill_at_ns = mono + NS_PER_S;
	mono += NS_PER_S - 1;
	check_deadlines(&m, clock_monotonic_ns());
	assert_false(m.check.timed_out || has_ended(stage));
	mono += 1;
	check_deadlines(&m, clock_monotonic_ns());
	assert_true(m.check.timed_out);
	assert_int_equal(end_of(stage), 128 + SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_wall_clock_really_jumps, setup),
		cmocka_unit_test_setup(grace_and_timeout_are_as_long_as_they_were, setup),
		cmocka_unit_test_setup(pauses_before_a_restart_are_measured, setup),
		cmocka_unit_test_setup(checks_come_at_their_interval_and_end_at_their_time_out,
				       setup),
	};

	(void)alarm(60); /* what is waited for may not come */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
