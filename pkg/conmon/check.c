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

static void set_status(struct monitor *m, enum conmon_health h)
{
	if (m->state.health == h)
		return;
	log_debug("conmon", "health: %s", conmon_health_text(h));
	m->state.health = h;
	monitor_write_state(m);
}

static void write_results(const struct monitor *m)
{
	if (health_write(m->state_dir, &m->check.results) < 0)
		err_drop(); /* a full tmpfs */
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
	k->results = (struct health_results){0};
	if (!is_set(&m->cfg.health))
		return;
	m->state.health = CONMON_HEALTH_STARTING;
	write_results(m);
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

static void say(struct check *k, const char *words)
{
	size_t n = strlen(words), room = sizeof(k->now.output) - k->now.len;

	n = n < room ? n : room;
	memcpy(k->now.output + k->now.len, words, n);
	k->now.len += n;
}

void check_read(struct monitor *m)
{
	struct check *k = &m->check;
	char rest[4096];

	while (k->out >= 0) {
		size_t room = sizeof(k->now.output) - k->now.len;
		ssize_t n = read(k->out, room ? k->now.output + k->now.len : rest,
				 room ? room : sizeof(rest));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			closep(&k->out);
		else if (room)
			k->now.len += (size_t)n;
	}
}

static void keep_result(struct monitor *m)
{
	struct health_results *r = &m->check.results;

	if (r->n == HEALTH_RESULTS) {
		memmove(r->v, r->v + 1, (HEALTH_RESULTS - 1) * sizeof(*r->v));
		r->n--;
	}
	r->v[r->n++] = m->check.now;
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

/* The results are there before the verdict that they led to is seen. */
static void judge(struct monitor *m, bool good)
{
	struct health_results *r = &m->check.results;

	if (good)
		r->streak = 0;
	else if (m->state.health != CONMON_HEALTH_STARTING || !in_start_period(m))
		r->streak++;
	write_results(m);
	if (good) {
		set_status(m, CONMON_HEALTHY);
		notify_healthy(m);
	} else if (r->streak >= m->cfg.health.retries) {
		set_status(m, CONMON_UNHEALTHY);
		act_on_failure(m);
	}
}

static void check_over(struct monitor *m)
{
	struct check *k = &m->check;
	bool good = k->now.exit_code == 0, startup = k->is_startup;
	char extra[48];

	close_check(k);
	if (!is_set(&m->cfg.health)) { /* taken away meanwhile: nobody asks any more */
		answer(m, good ? 0 : 1);
		return;
	}
	k->now.end_ns = clock_now_ns();
	keep_result(m);
	plan_next(m);
	if (startup) {
		write_results(m);
		judge_startup(m, good);
	} else {
		judge(m, good);
	}
	(void)snprintf(extra, sizeof(extra), "\"HealthStatus\":\"%s\"",
		       conmon_health_text(m->state.health));
	monitor_event(m, "health_status", extra);
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
		k->now.exit_code = -1;
		k->now.len = 0;
		say(k, "the check took longer than its time-out");
	} else {
		if (status == 125)
			r = rt_exec_result(k->report);
		k->now.exit_code = r < 0 ? err_exit_status(r) : status;
		if (r < 0)
			say(k, err_message(r));
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
	k->now = (struct health_result){.start_ns = clock_now_ns()};
	r = start_check(m, c);
	if (r < 0) { /* no processes, no descriptors: as bad as a failed one */
		k->now.exit_code = 125;
		say(k, err_message(r));
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
int check_replace(struct monitor *m, const struct cm_health *h, int fds[2])
{
	struct check *k = &m->check;
	bool had = is_set(&m->cfg.health);
	unsigned n = !!h->health.is_set + !!h->startup.is_set;

	for (unsigned i = 0; i < n; i++)
		if (fds[i] < 0)
			return -EINVAL;
	if (h->on_failure > CONMON_ON_FAILURE_STOP || h->health.timeout_ns < 0 ||
	    h->startup.timeout_ns < 0)
		return -EINVAL;
	take_check(&m->cfg.health, &h->health, &fds);
	take_check(&m->cfg.startup, &h->startup, &fds);
	m->cfg.health_start_period_ns = h->start_period_ns;
	m->cfg.health_start_interval_ns = h->start_interval_ns;
	m->cfg.on_failure = (enum conmon_on_failure)h->on_failure;
	if (m->exited)
		return 0;
	if (!is_set(&m->cfg.health)) {
		k->next_at_ns = 0;
		k->results = (struct health_results){0};
		write_results(m);
		set_status(m, CONMON_HEALTH_NONE);
	} else if (!had) {
		check_begin(m);
		monitor_write_state(m);
	} else if (!k->pid) {
		k->started = k->started || !is_set(&m->cfg.startup);
		plan_next(m);
	}
	return 0;
}
