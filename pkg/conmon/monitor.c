/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the monitor of one container
 *
 * Processes     C cuddy ─fork→ M monitor (in B, own session, subreaper) ─clone3→ I pid 1; helpers H
 *   M  is the program cuddy-conmon, alone responsible once I has exec'ed: it may not die, block or
 *      allocate after that; buffers are static, clients bounded, every foreign descriptor is
 *      written without blocking. When M is killed, I gets its parent-death signal.
 * Descriptors   see protocol.h for those at exec. The container's lock is held until everything is
 *               recorded; whoever gets the lock knows that M has finished with the container.
 * Back-pressure payload ← stream.c ← foreground (for ever) and clients (one second)
 *               caller, clients ← input.c ← payload
 * Time          one poll(2); deadlines (stop, --timeout, slow clients, the next run) become its time-out
 * The end       I dies → its pid namespace is gone → what lies in the pipes is drained → helpers end
 *               → data_dir/exit is durable → state, clients, lock → the foreground's last bytes
 * Another run   restart.c: the same plan, from the memfd that stays open, in the same process; lock,
 *               log, sockets and ports stay, all else is let go first. The foreground ends with the
 *               first run. Launching uses the heap, and gives back all of it.
 * No flag       M has no no_new_privs: the next run, health checks and hooks are its children, would
 *               inherit it, and then su or a file's capabilities worked in the first run only.
 */
#include "pkg/conmon/monitor.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/runtime/create.h"
#include "pkg/runtime/hooks.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"
#include "storage/event.h"

#define STALL_TICK_NS (50 * NS_PER_MS)
#define DRAIN_NS (2 * NS_PER_S) /* more than the patience with one client (stream.c) */
#define TRIM_AFTER_NS NS_PER_S

static struct monitor monitor;
static char out_buf[CM_OUTPUT_MAX], err_buf[CM_OUTPUT_MAX];

void monitor_write_state(struct monitor *m)
{
	if (state_write(m->state_dir, &m->state, m->boot_id) < 0)
		err_drop(); /* a full tmpfs: the lock still tells that we live */
}

/*
 * The server of the root is gone and every file with it: what still runs can neither read its
 * programs nor save its data, and would look alive. It is ended, and the reason recorded.
 */
static void lose_root(struct monitor *m)
{
	m->root_lost = true;
	(void)snprintf(m->state.error, sizeof(m->state.error),
		       "fuse-overlayfs (pid %d) died, and with it the container's root",
		       (int)m->run.root_server);
	stop_run(m, CONMON_BY_CRASH, SIGKILL, 0);
}

void monitor_event(const struct monitor *m, const char *status, const char *extra)
{
	event_write(m->cfg.runtime_dir_fd, "container", status, m->cfg.id,
		    *m->renamed ? m->renamed : m->cfg.name, m->cfg.event_body, extra);
}

static int exit_code_of(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED ? si->si_status & 0xff : 128 + si->si_status;
}

/* Everything that dies below us: pid 1, helpers, orphans that came to the subreaper. */
static void reap(struct monitor *m)
{
	siginfo_t si;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
			return;
		if (si.si_pid == m->run.root_server && !m->exited)
			lose_root(m);
		if (check_reaped(m, si.si_pid, exit_code_of(&si)) ||
		    bridge_reaped(m, si.si_pid, exit_code_of(&si)))
			continue;
		if (si.si_pid != m->run.pid || m->exited)
			continue;
		m->exited = true;
		m->signalled = si.si_code != CLD_EXITED;
		m->exit_status = exit_code_of(&si);
		log_debug("conmon", "pid 1 ended: %d", m->exit_status);
	}
}

static void read_signals(struct monitor *m)
{
	struct signalfd_siginfo si;

	while (read(m->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		/* The machine or the session goes down: what a user's stop would do. */
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			stop_run(m, CONMON_BY_SESSION, 0, m->cfg.stop_timeout_s * 1000LL);
	}
	reap(m);
	revive_helpers(m);
}

static int next_timeout_ms(const struct monitor *m, int64_t now)
{
	const int64_t deadlines[] = {
		m->kill_at_ns,
		m->timeout_at_ns,
		m->restart_at_ns,
		m->bridge.retry_at_ns,
		m->revival.at_ns,
		m->oom.quiet_until_ns,
		m->check.kill_at_ns,
		m->check.pid || m->state.status != CONMON_RUNNING ? 0 : m->check.next_at_ns,
		m->exited && !m->recorded ? m->drained_at_most_ns : 0};
	int64_t at = INT64_MAX;

	for (unsigned i = 0; i < ARRAY_LEN(deadlines); i++)
		if (deadlines[i] && deadlines[i] < at)
			at = deadlines[i];
	if ((m->out.waiting || m->err.waiting) && now + STALL_TICK_NS < at)
		at = now + STALL_TICK_NS;
	if (stream_wants_trim(m) && now + TRIM_AFTER_NS < at)
		at = now + TRIM_AFTER_NS;
	if (at == INT64_MAX)
		return -1;
	if (at <= now)
		return 0;
	at = (at - now + NS_PER_MS - 1) / NS_PER_MS;
	return at > INT32_MAX ? INT32_MAX : (int)at;
}

/* The poll set is rebuilt each round from what is wanted now: no interest to keep in step. */
struct poll_set {
	struct pollfd p[POLL_MAX];
	unsigned n, oom, first_client;
	unsigned char client_of[CLIENTS_MAX];
};

static void want(struct poll_set *ps, int fd, short events)
{
	if (fd >= 0 && events)
		ps->p[ps->n++] = (struct pollfd){.fd = fd, .events = events};
}

static void want_stream(struct poll_set *ps, const struct stream *s)
{
	if (stream_wants_read(s))
		want(ps, s->fd, POLLIN);
	else if (s->done < s->len)
		want(ps, s->front.fd, POLLOUT);
}

static void build_poll_set(const struct monitor *m, struct poll_set *ps)
{
	ps->n = 0;
	want(ps, m->signal_fd, POLLIN);
	want(ps, m->listen_fd, POLLIN);
	want_stream(ps, &m->out);
	want_stream(ps, &m->err);
	want(ps, m->check.out, POLLIN);
	want(ps, m->notify_in, POLLIN);
	want(ps, m->members, POLLIN); /* its end is told always */
	want(ps, m->bridge.fd, POLLIN);
	ps->oom = ps->n;
	want(ps, oom_wanted(m), POLLPRI);
	if (m->in.len)
		want(ps, m->in.fd, POLLOUT);
	if (input_has_room(&m->in))
		want(ps, m->in.front, POLLIN);
	ps->first_client = ps->n;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		bool waits = (m->out.waiting | m->err.waiting) >> i & 1;

		if (m->clients[i].fd < 0)
			continue;
		ps->client_of[ps->n - ps->first_client] = (unsigned char)i;
		want(ps, m->clients[i].fd, waits ? POLLIN | POLLOUT : POLLIN);
	}
}

static bool is_drained(const struct monitor *m)
{
	return m->out.fd < 0 && m->err.fd < 0 && !stream_is_pending(&m->out) &&
	       !stream_is_pending(&m->err);
}

/*
 * Who hears of the end finds all of the output in the log: normally it is there by now. What somebody who
 * reads slowly holds back is waited for as long as an attached client may hold it, and not for ever.
 */
static bool log_has_all(struct monitor *m, int64_t now)
{
	if (m->out.fd < 0 && m->err.fd < 0)
		return true;
	if (!m->drained_at_most_ns)
		m->drained_at_most_ns = now + DRAIN_NS;
	return now >= m->drained_at_most_ns;
}

static bool run_is_over(const struct monitor *m)
{
	return m->exited && is_drained(m);
}

void monitor_serve(struct monitor *m, bool (*is_over)(const struct monitor *m))
{
	static struct poll_set ps;

	while (!is_over(m)) {
		int64_t now = clock_monotonic_ns();
		bool oom;
		int n;

		build_poll_set(m, &ps);
		n = poll(ps.p, ps.n, next_timeout_ms(m, now));
		if (n == 0)
			stream_trim(m);
		for (unsigned i = ps.first_client; n > 0 && i < ps.n; i++)
			if (ps.p[i].revents & ~POLLOUT)
				control_receive(m, ps.client_of[i - ps.first_client]);
		oom = n > 0 && oom_wanted(m) >= 0 && ps.p[ps.oom].revents & POLLPRI;
		oom_read(m, clock_monotonic_ns(), oom);
		read_signals(m);
		check_read(m);
		notify_read(m);
		members_read(m);
		bridge_pump(m, clock_monotonic_ns());
		stop_check_deadlines(m, clock_monotonic_ns());
		check_deadlines(m, clock_monotonic_ns());
		control_accept(m);
		input_read_front(m);
		input_pump(m);
		stream_pump(m, &m->out);
		stream_pump(m, &m->err);
		if (m->exited && !m->recorded && log_has_all(m, clock_monotonic_ns()))
			finish_record(m);
	}
}

/* In podman's order. One that was held has told of its "init" long since. */
static void tell_started(const struct monitor *m, bool was_held)
{
	const char *statuses[EVENT_EACH_MAX];
	unsigned n = 0;

	if (!was_held)
		statuses[n++] = "init";
	statuses[n++] = "start";
	if (m->cfg.foreground)
		statuses[n++] = "attach";
	event_write_each(m->cfg.runtime_dir_fd, "container", statuses, n, m->cfg.id,
			 *m->renamed ? m->renamed : m->cfg.name, m->cfg.event_body);
}

static int record_start(struct monitor *m)
{
	bool was_held = m->state.status == CONMON_INITIALIZED;

	m->state.status = CONMON_RUNNING;
	m->state.started_ns = clock_now_ns();
	m->run_since_ns = clock_monotonic_ns();
	if (m->cfg.timeout_s)
		m->timeout_at_ns = m->run_since_ns + m->cfg.timeout_s * NS_PER_S;
	started_write(m->data_dir, m->state.started_ns);
	tell_started(m, was_held);
	notify_started(m);
	check_begin(m);
	return state_write(m->state_dir, &m->state, m->boot_id);
}

static int record_launch(struct monitor *m)
{
	int r;

	m->state.init = (struct proc_id){0};
	pinned_begin(m);
	r = m->pinned ? 0 : proc_id_of(m->run.pid, &m->state.init);
	if (r < 0) { /* gone already: the identity only has to be nobody else's */
		m->state.init = (struct proc_id){.pid = m->run.pid, .start = UINT64_MAX};
		err_drop();
	}
	(void)unlinkat(m->data_dir, "exit", 0); /* of the run before */
	if (m->held < 0)
		return record_start(m);
	m->state.status = CONMON_INITIALIZED;
	monitor_event(m, "init", NULL);
	return state_write(m->state_dir, &m->state, m->boot_id);
}

#define HELD_SOCKET "start"

/* Our end of what pid 1 accepts: from then on nobody else can give it the word. */
static int take_held(struct monitor *m, int *listener)
{
	int r = m->held = socket_connect_at(m->state_dir, HELD_SOCKET);

	closep(listener);
	(void)unlinkat(m->state_dir, HELD_SOCKET, 0);
	return r < 0 ? err_new(r, "connect to the container's first process") : 0;
}

static int launch(struct monitor *m, struct rt_plan *plan, struct rt_stdio *io)
{
	int ports[NET_PUBLISHED_MAX + ADDED_PORTS_MAX];
	const struct rt_meanwhile rest = {.call = setup_rest, .arg = m};
	int r = publish_plan(m, &plan->net, ports);

	io->first_kept = CM_FD_PORTS + (int)m->n_ports;
	return r < 0 ? r : rt_launch(plan, io, ports, m->is_set_up ? NULL : &rest, &m->run);
}

/* Another run would want them, this one's readers want to see the payload close them. */
static void let_go_of_kept(struct monitor *m, const struct rt_plan *plan)
{
	for (unsigned i = 0; !m->kept_are_gone && i < plan->process.n_keep_fds; i++)
		(void)close(CM_FD_PORTS + (int)(m->n_ports + i));
	m->kept_are_gone = true;
}

/* What is wrong with these does not end the container any more (runtime-spec, "poststart"). */
static void hooks_after_start(struct monitor *m, const struct rt_plan *plan)
{
	m->stops_with_hooks = false;
	if (plan->foreign.program)
		return; /* it knows them from its config.json */
	for (unsigned i = 0; i < plan->n_hooks; i++)
		m->stops_with_hooks = m->stops_with_hooks ||
				      plan->hooks[i].stage == RT_HOOK_POSTSTOP;
	if (rt_hooks_run(plan->hooks, plan->n_hooks, RT_HOOK_POSTSTART, plan->hook_state,
			 m->run.pid, "running") < 0) {
		log_debug("conmon", "%s", err_trail());
		err_drop();
	}
}

/* The few milliseconds until the payload is executed are waited for: nothing runs that could want us. */
int monitor_begin(struct monitor *m)
{
	AUTO_CLOSE int conn = TAKE_FD(m->held);
	struct rt_plan plan;
	int r;

	if (conn < 0 || m->exited || m->state.status != CONMON_INITIALIZED)
		return -ESRCH;
	r = rt_start(conn);
	if (r < 0) {
		(void)snprintf(m->state.error, sizeof(m->state.error), "%s", err_message(r));
		m->reason = CONMON_BY_LAUNCH;
		m->may_restart = false;
		return r;
	}
	r = setup_plan(&plan);
	if (r == 0)
		hooks_after_start(m, &plan);
	setup_forget_plan();
	err_drop();
	return record_start(m);
}

int monitor_launch(struct monitor *m)
{
	struct rt_plan plan;
	struct rt_stdio io = {.in = -EBADF, .out = -EBADF, .err = -EBADF, .start = -EBADF};
	bool held = m->cfg.hold;
	int r;

	m->cfg.hold = false; /* another run is one without a word */
	m->exited = m->recorded = m->restart_asked = m->stop_asked = false;
	m->may_restart = true;
	m->reason = CONMON_BY_ITSELF;
	m->exit_status = 0;
	m->kill_at_ns = m->timeout_at_ns = 0;
	r = setup_plan(&plan);
	if (r == 0) {
		plan.cgroup_dir = m->cgroup < 0 ? NULL : m->state.cgroup;
		oom_begin(m);
		r = setup_stdio(m, &io);
	}
	if (r == 0 && held) {
		plan.hold = true;
		r = io.start = socket_listen_at(m->state_dir, HELD_SOCKET);
		r = r < 0 ? r : 0;
	}
	if (r == 0 && m->kept_are_gone) {
		plan.process.n_keep_fds = 0;
		plan.process.listens = false;
	}
	if (r == 0)
		r = bridge_prepare(m, &plan.net);
	if (r == 0)
		r = launch(m, &plan, &io);
	if (r == 0 && held)
		r = take_held(m, &io.start);
	m->is_foreign = r == 0 && plan.foreign.program;
	if (r == 0 && !held)
		hooks_after_start(m, &plan);
	if (r == 0 && m->cfg.restart == CONMON_RESTART_NO)
		let_go_of_kept(m, &plan);
	setup_forget_plan();
	if (r == 0)
		setup_streams(m);
	closep(&io.in);
	closep(&io.out);
	closep(&io.err);
	closep(&io.start);
	if (r < 0)
		return r;
	bridge_begin(m);
	return record_launch(m);
}

int monitor_main(void)
{
	struct monitor *m = &monitor;
	struct client *c = &m->clients[CONTROL];
	int r;

	m->out = (struct stream){.fd = -EBADF, .tag = 1, .buf = out_buf, .front.fd = -EBADF};
	m->err = (struct stream){.fd = -EBADF, .tag = 2, .buf = err_buf, .front.fd = -EBADF};
	m->run = (struct rt_launched){.pidfd = -EBADF,
				      .pty_master = -EBADF,
				      .root_fd = -EBADF,
				      .root_server_pidfd = -EBADF,
				      .helper_pidfd = -EBADF,
				      .helper_exit_fd = -EBADF,
				      .keeper_fd = -EBADF,
				      .netns_fd = -EBADF,
				      .proxy_pidfd = -EBADF,
				      .proxy_ctl = -EBADF,
				      .pins = RT_PINS_INIT};
	m->held = m->check.out = m->check.report = m->check.said = m->oom.fd = -EBADF;
	m->bridge.fd = m->bridge.netns = -EBADF;
	r = setup_monitor(m);
	if (r == 0)
		r = setup_cgroup(m);
	if (r == 0)
		r = monitor_launch(m);
	if (r < 0) {
		finish_launch_failed(m);
		(void)control_send(c, CM_LAUNCH, r, 0, err_trail(), strlen(err_trail()));
		return 1;
	}
	(void)control_send(c, CM_LAUNCH, 0, c->relays_stdin ? CM_LAUNCH_RELAY_STDIN : 0, NULL, 0);
	do
		monitor_serve(m, run_is_over);
	while (restart_run(m));
	finish(m);
}
