/* SPDX-License-Identifier: MIT */
/* What ends a run: a user's stop or kill, the session's end, a deadline. */
#include <signal.h>
#include <stdio.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/conmon/monitor.h"
#include "pkg/sys/process.h"

static int send_signal(struct monitor *m, int sig)
{
	int r;

	if (!m->exited && sig == SIGKILL)
		oom_pardon(m);
	if (!m->exited && m->pinned) {
		pinned_signal(m, sig);
		return 0;
	}
	r = m->exited ? -ESRCH : pidfd_signal(m->run.pidfd, sig);
	err_drop();
	return r;
}

static int own_signal(const struct monitor *m)
{
	return m->cfg.stop_signal ? m->cfg.stop_signal : SIGTERM;
}

static void forbid_restart(struct monitor *m, enum conmon_reason why)
{
	if (why == CONMON_BY_USER || why == CONMON_BY_SESSION)
		m->may_restart = m->restart_asked = false;
}

/* The first who wanted the end is the one who is named. */
static void note(struct monitor *m, enum conmon_reason why)
{
	forbid_restart(m, why);
	if (m->reason == CONMON_BY_ITSELF)
		m->reason = why;
}

void stop_run(struct monitor *m, enum conmon_reason why, int sig, int64_t grace_ms)
{
	int64_t at = clock_monotonic_ns() + grace_ms * NS_PER_MS;

	if (m->restart_at_ns)
		restart_cancel(m, why);
	if (m->exited) {
		if (!m->recorded) /* somebody reads its last output slowly */
			forbid_restart(m, why);
		return;
	}
	note(m, why);
	if (sig == 0)
		sig = own_signal(m);
	/* What waits for the word is a process of ours, that has nothing to save. */
	if (grace_ms == 0 || m->state.status == CONMON_INITIALIZED)
		sig = SIGKILL;
	(void)send_signal(m, sig);
	/* What is frozen takes no signal but SIGKILL. */
	if (m->state.status == CONMON_PAUSED && m->cgroup >= 0)
		(void)cgroup_write(m->cgroup, "cgroup.freeze", "0");
	if (sig != SIGKILL && grace_ms != CM_GRACE_ENDLESS &&
	    (m->kill_at_ns == 0 || at < m->kill_at_ns))
		m->kill_at_ns = at;
	if (m->state.status != CONMON_STOPPING) {
		m->state.status = CONMON_STOPPING;
		monitor_write_state(m);
	}
}

/* Without SIGKILL to come, and without anybody who waits, all there was is a signal that it did not follow. */
void stop_abandoned(struct monitor *m)
{
	if (m->exited || m->state.status != CONMON_STOPPING || m->kill_at_ns)
		return;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0 && m->clients[i].waits_endlessly)
			return;
	m->state.status = CONMON_RUNNING;
	monitor_write_state(m);
}

/* Whoever asked waits for the kernel's "frozen" himself: with much to freeze that may take a while. */
int pause_run(struct monitor *m, bool pause)
{
	int r;

	if (m->cgroup < 0 && !m->pinned)
		return -CE_UNSUPPORTED;
	if (m->exited || m->state.status == CONMON_STOPPING ||
	    m->state.status == CONMON_INITIALIZED)
		return -ESRCH;
	/* Nothing runs in there that could be frozen. */
	r = m->pinned ? 0 : cgroup_write(m->cgroup, "cgroup.freeze", pause ? "1" : "0");
	if (r == 0) {
		m->state.status = pause ? CONMON_PAUSED : CONMON_RUNNING;
		monitor_write_state(m);
		monitor_event(m, pause ? "pause" : "unpause", NULL);
	}
	return r;
}

/*
 * A signal that by custom ends a program is its user's wish for the end, as with docker and podman;
 * one that by custom makes it read its configuration or rotate its logs is not.
 */
static bool means_the_end(const struct monitor *m, int sig)
{
	return sig == SIGKILL || sig == SIGTERM || sig == SIGINT || sig == SIGQUIT ||
	       sig == own_signal(m);
}

int stop_signal(struct monitor *m, int sig)
{
	bool end = means_the_end(m, sig);
	int r;

	if (m->restart_at_ns && end) {
		restart_cancel(m, CONMON_BY_USER);
		return 0;
	}
	r = send_signal(m, sig);
	if (r == 0 && end)
		note(m, CONMON_BY_USER);
	if (r == 0)
		monitor_event(m, "kill", NULL);
	return r;
}

void stop_check_deadlines(struct monitor *m, int64_t now)
{
	if (!m->exited && m->kill_at_ns && now >= m->kill_at_ns) {
		m->kill_at_ns = 0;
		(void)send_signal(m, SIGKILL);
	}
	if (!m->exited && m->timeout_at_ns && now >= m->timeout_at_ns) {
		m->timeout_at_ns = 0;
		note(m, CONMON_BY_TIMEOUT);
		(void)send_signal(m, SIGKILL);
	}
}
