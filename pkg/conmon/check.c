/* SPDX-License-Identifier: MIT */
/*
 * Health checks, on time and without anybody waiting: the monitor starts the exec stage itself, from
 * a message that cuddy made at the start, reads what it prints and reaps it like any child.
 *
 *	starting ──startup check succeeds as often as wanted──► the regular checks begin
 *	starting, unhealthy ──a check succeeds──► healthy
 *	any ──as many fail in a row as --health-retries──► unhealthy (not in the start period)
 *
 * One check at a time. The next begins its interval after the end of the last; the first at once. The
 * command ends with its time-out and all that came of it too, and all of it with the container.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/conmon/monitor.h"
#include "pkg/runtime/exec.h"

#define END_ROUND_NS (2 * NS_PER_MS)
#define END_ROUNDS 1000
#define END_QUIET_ROUNDS 2

static bool is_set(const struct conmon_check *c)
{
	return c->fd >= 0;
}

static const struct conmon_check *due_check(const struct monitor *m)
{
	return is_set(&m->cfg.startup) && !m->check.started ? &m->cfg.startup : &m->cfg.health;
}

static bool in_start_period(const struct monitor *m)
{
	return clock_monotonic_ns() - m->run_since_ns < m->cfg.health_start_period_ns;
}

static void plan_next(struct monitor *m)
{
	int64_t interval = due_check(m)->interval_ns;

	if (due_check(m) == &m->cfg.health && m->cfg.health_start_interval_ns &&
	    m->state.health == CONMON_HEALTH_STARTING && in_start_period(m))
		interval = m->cfg.health_start_interval_ns;
	m->check.next_at_ns = interval < 0 ? 0 : clock_monotonic_ns() + interval;
}

void check_begin(struct monitor *m)
{
	struct check *k = &m->check;

	k->next_at_ns = 0;
	k->started = !is_set(&m->cfg.startup);
	k->successes = k->failures = 0;
	k->streak = 0;
	if (!is_set(&m->cfg.health))
		return;
	m->state.health = CONMON_HEALTH_STARTING;
	check_log_begin(m);
	if (due_check(m)->interval_ns >= 0)
		k->next_at_ns = clock_monotonic_ns();
}

/* --- one check ------------------------------------------------------------------------------ */

static void close_check(struct check *k)
{
	closep(&k->out);
	closep(&k->report);
	k->pid = 0;
	k->kill_at_ns = 0;
}

static void answer(struct monitor *m, int r)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (m->clients[i].fd < 0 || !m->clients[i].awaits_check)
			continue;
		(void)control_send(&m->clients[i], CM_REPLY, r, 0, NULL, 0);
		m->clients[i].awaits_check = false;
	}
}

static void act_on_failure(struct monitor *m)
{
	switch (m->cfg.on_failure) {
	case CONMON_ON_FAILURE_NONE:
		break;
	case CONMON_ON_FAILURE_KILL:
		stop_run(m, CONMON_BY_HEALTH, SIGKILL, 0);
		break;
	case CONMON_ON_FAILURE_STOP:
		stop_run(m, CONMON_BY_HEALTH, 0, m->cfg.stop_timeout_s * 1000LL);
		m->may_restart = false;
		break;
	case CONMON_ON_FAILURE_RESTART:
		stop_run(m, CONMON_BY_HEALTH, 0, m->cfg.stop_timeout_s * 1000LL);
		m->restart_asked = m->may_restart;
		break;
	}
}

static void judge_startup(struct monitor *m, bool good)
{
	struct check *k = &m->check;

	if (good) {
		k->failures = 0;
		k->started = ++k->successes >= m->cfg.startup.successes;
		if (k->started) /* the first regular check is due at once */
			k->next_at_ns = m->cfg.health.interval_ns < 0 ? 0 : clock_monotonic_ns();
		return;
	}
	k->successes = 0;
	if (m->cfg.startup.retries && ++k->failures >= m->cfg.startup.retries) {
		stop_run(m, CONMON_BY_HEALTH, 0, m->cfg.stop_timeout_s * 1000LL);
		m->restart_asked = m->may_restart;
	}
}

static bool is_unhealthy(const struct monitor *m)
{
	return m->check.streak >= m->cfg.health.retries;
}

/* Of a regular check. */
static enum conmon_health verdict(struct monitor *m, bool good)
{
	struct check *k = &m->check;

	if (good)
		k->streak = 0;
	else if (m->state.health != CONMON_HEALTH_STARTING || !in_start_period(m))
		k->streak++;
	if (good)
		return CONMON_HEALTHY;
	return is_unhealthy(m) ? CONMON_UNHEALTHY : m->state.health;
}

static void check_over(struct monitor *m)
{
	struct check *k = &m->check;
	bool good = k->exit_code == 0, startup = k->is_startup;

	close_check(k);
	if (!is_set(&m->cfg.health)) { /* taken away meanwhile: nobody asks any more */
		answer(m, good ? 0 : 1);
		return;
	}
	plan_next(m);
	check_log_result(m, startup ? m->state.health : verdict(m, good));
	if (startup)
		judge_startup(m, good);
	else if (good)
		notify_healthy(m);
	else if (is_unhealthy(m))
		act_on_failure(m);
	answer(m, good ? 0 : 1);
}

bool check_reaped(struct monitor *m, pid_t pid, int status)
{
	struct check *k = &m->check;
	int r = 0;

	if (!k->pid || pid != k->pid)
		return false;
	check_read(m);
	if (k->timed_out) {
		k->exit_code = -1;
		check_say_anew(m);
		check_say(m, "the check took longer than its time-out");
	} else {
		if (status == 125)
			r = rt_exec_result(k->report);
		k->exit_code = r < 0 ? err_exit_status(r) : status;
		if (r < 0)
			check_say(m, err_message(r));
		err_drop();
	}
	if (m->exited)
		close_check(k);
	else
		check_over(m);
	return true;
}

static int start_check(struct monitor *m, const struct conmon_check *c)
{
	struct check *k = &m->check;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	k->out = p[0];
	(void)fcntl(k->out, F_SETFL, O_NONBLOCK);
	r = rt_exec_spawn(c->fd, m->run.pidfd, m->cgroup, p[1], &k->report);
	closep(&p[1]);
	if (r < 0)
		return r;
	k->pid = r;
	k->kill_at_ns = clock_monotonic_ns() + c->timeout_ns;
	return 0;
}

static void run_check(struct monitor *m)
{
	struct check *k = &m->check;
	const struct conmon_check *c = due_check(m);
	int r;

	k->next_at_ns = 0;
	k->timed_out = false;
	k->is_startup = c == &m->cfg.startup;
	k->start_ns = clock_now_ns();
	check_say_anew(m);
	r = start_check(m, c);
	if (r < 0) { /* no processes, no descriptors: as bad as a failed one */
		k->exit_code = 125;
		check_say(m, err_message(r));
		err_drop();
		check_over(m);
	}
}

/* --- what the event loop asks ----------------------------------------------------------------- */

/* Round after round, for the loop is not to wait; a process that the kernel holds is left in the end. */
static void end_late(struct check *k, int64_t now)
{
	if (!k->timed_out) {
		k->timed_out = true;
		k->rounds = k->quiet = 0;
		k->held = rt_exec_hold(k->pid, k->report);
	}
	k->quiet = rt_exec_kill_below(k->held) ? 0 : k->quiet + 1;
	if (k->held > 0 && k->quiet < END_QUIET_ROUNDS && k->rounds++ < END_ROUNDS) {
		k->kill_at_ns = now + END_ROUND_NS;
		return;
	}
	k->kill_at_ns = 0;
	rt_exec_kill(k->pid, k->held);
}

void check_deadlines(struct monitor *m, int64_t now)
{
	struct check *k = &m->check;

	if (k->kill_at_ns && now >= k->kill_at_ns)
		end_late(k, now);
	if (!m->exited && !k->pid && k->next_at_ns && now >= k->next_at_ns &&
	    m->state.status == CONMON_RUNNING)
		run_check(m);
}

/* The payload is gone: what is still out there ends with it. */
void check_end(struct monitor *m)
{
	struct check *k = &m->check;

	if (k->pid)
		rt_exec_kill(k->pid, k->timed_out ? k->held : rt_exec_hold(k->pid, k->report));
	close_check(k);
	k->next_at_ns = 0;
	answer(m, -ESRCH);
}

/* A user wants one now; one that is under way will do. */
int check_now(struct monitor *m)
{
	if (!is_set(&m->cfg.health))
		return -ENOENT;
	if (m->exited || m->state.status != CONMON_RUNNING)
		return -ESRCH;
	if (!m->check.pid)
		run_check(m);
	return 0;
}

static void take_check(struct conmon_check *to, const struct cm_check *from, int **fds)
{
	closep(&to->fd);
	*to = (struct conmon_check){.fd = from->is_set ? TAKE_FD(*(*fds)++) : -EBADF,
				    .interval_ns = from->interval_ns,
				    .timeout_ns = from->timeout_ns,
				    .retries = from->retries,
				    .successes = from->successes};
}

/* One that is under way ends as it began; its verdict counts by the new numbers, and not at all without a check. */
int check_replace(struct monitor *m, const struct cm_health *h, const char *log_dir, int fds[2])
{
	struct check *k = &m->check;
	bool had = is_set(&m->cfg.health), moved;
	unsigned n = !!h->health.is_set + !!h->startup.is_set;

	for (unsigned i = 0; i < n; i++)
		if (fds[i] < 0)
			return -EINVAL;
	if (h->on_failure > CONMON_ON_FAILURE_STOP || h->health.timeout_ns < 0 ||
	    h->startup.timeout_ns < 0 || strlen(log_dir) >= sizeof(m->health_dir))
		return -EINVAL;
	take_check(&m->cfg.health, &h->health, &fds);
	take_check(&m->cfg.startup, &h->startup, &fds);
	m->cfg.health_start_period_ns = h->start_period_ns;
	m->cfg.health_start_interval_ns = h->start_interval_ns;
	m->cfg.on_failure = (enum conmon_on_failure)h->on_failure;
	m->cfg.health_to_events = h->to_events;
	m->cfg.health_max_count = h->max_count;
	m->cfg.health_max_size = h->max_size;
	moved = strcmp(m->cfg.health_log_dir ? m->cfg.health_log_dir : "", log_dir) != 0;
	if (moved) {
		memcpy(m->health_dir, log_dir, strlen(log_dir) + 1);
		m->cfg.health_log_dir = *log_dir ? m->health_dir : NULL;
	}
	if (m->exited)
		return 0;
	if (!is_set(&m->cfg.health)) {
		k->next_at_ns = 0;
		k->streak = 0;
		check_set_status(m, CONMON_HEALTH_NONE);
		check_log_begin(m);
	} else if (!had) {
		check_begin(m);
		monitor_write_state(m);
	} else {
		check_log_again(m);
	}
	if (had && is_set(&m->cfg.health) && !k->pid) {
		k->started = k->started || !is_set(&m->cfg.startup);
		plan_next(m);
	}
	return 0;
}
