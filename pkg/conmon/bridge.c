/* SPDX-License-Identifier: MIT */
/*
 * The keeper may die, like everything. Its end is the end of the connection; then a child of ours, which
 * may wait, has a new one started (several monitors do so at once, one of them is first), and we ask
 * again for what we had, with the addresses we had: only the devices are new. A keeper that cannot be
 * brought back is tried again with growing pauses; the container goes on without its network.
 */
#include "pkg/conmon/bridge.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/keeper.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/conmon/monitor.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/file.h"

#define FAREWELL_MS 2000
#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 30000

static int read_request(struct monitor *m)
{
	AUTO_CLOSE int fd = openat(m->state_dir, BRIDGE_REQUEST_FILE,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : read_upto(fd, m->bridge.request, sizeof(m->bridge.request));

	if (n <= 0)
		return err_new(n < 0 ? (int)n : -CE_CORRUPT, "networks of the container");
	m->bridge.request_len = (size_t)n;
	return 0;
}

/* What the run before had, also one of another monitor. Nothing hangs on it. */
static void read_lease(struct monitor *m)
{
	AUTO_CLOSE int fd = openat(m->state_dir, BRIDGE_LEASE_FILE,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read_upto(fd, m->bridge.lease, sizeof(m->bridge.lease) - 1);

	m->bridge.lease[n > 0 ? n : 0] = '\0';
}

int bridge_prepare(struct monitor *m, struct net_plan *n)
{
	int r;

	if (!n->keeper_dir)
		return 0;
	r = read_request(m);
	if (!*m->bridge.lease)
		read_lease(m);
	n->bridge = m->bridge.request;
	n->bridge_len = m->bridge.request_len;
	n->lease = m->bridge.lease;
	return r;
}

static void write_lease(struct monitor *m)
{
	if (file_replace(m->state_dir, BRIDGE_LEASE_FILE, m->bridge.lease, strlen(m->bridge.lease),
			 0600, FILE_NO_SYNC) < 0)
		err_drop(); /* inspect shows less */
}

void bridge_begin(struct monitor *m)
{
	struct bridge *b = &m->bridge;

	b->fd = TAKE_FD(m->run.keeper_fd);
	b->netns = TAKE_FD(m->run.netns_fd);
	if (b->fd < 0)
		return;
	(void)fcntl(b->fd, F_SETFL, O_NONBLOCK);
	b->placed = true;
	write_lease(m);
}

void bridge_leave(struct monitor *m)
{
	struct bridge *b = &m->bridge;

	if (b->fd >= 0)
		(void)shutdown(b->fd, SHUT_WR);
}

/* The keeper closes once nobody is told of us any more; an answer to an older question may come before. */
static void await_farewell(int fd)
{
	const int64_t until = clock_monotonic_ns() + FAREWELL_MS * NS_PER_MS;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left;

	while ((left = until - clock_monotonic_ns()) > 0) {
		char word[16];
		int r = poll(&p, 1, (int)(left / NS_PER_MS) + 1);

		if (r > 0)
			r = (int)recv(fd, word, sizeof(word), MSG_DONTWAIT);
		if (r == 0 || (r < 0 && errno != EINTR && errno != EAGAIN))
			return; /* it has, or is dead, or (0 of poll) hangs */
	}
}

/* The lease stays, here and in its file: the next run asks for the same addresses. */
void bridge_end(struct monitor *m)
{
	struct bridge *b = &m->bridge;

	bridge_leave(m);
	if (b->fd >= 0)
		await_farewell(b->fd);
	closep(&b->fd);
	closep(&b->netns);
	if (b->starter)
		(void)kill(b->starter, SIGKILL);
	b->starter = 0;
	b->retry_at_ns = b->pause_ns = 0;
	b->awaits = false;
	control_tell_networks(m, -ESRCH);
}

static void try_later(struct bridge *b)
{
	closep(&b->fd);
	b->awaits = b->placed = false;
	b->pause_ns = b->pause_ns ? 2 * b->pause_ns : PAUSE_FIRST_MS * NS_PER_MS;
	if (b->pause_ns > PAUSE_MAX_MS * NS_PER_MS)
		b->pause_ns = PAUSE_MAX_MS * NS_PER_MS;
	b->retry_at_ns = clock_monotonic_ns() + b->pause_ns;
}

static void start_starter(struct monitor *m)
{
	struct bridge *b = &m->bridge;
	struct rt_plan plan;
	pid_t pid = clone_fork(0, NULL);
	int r;

	b->retry_at_ns = 0;
	if (pid > 0) {
		b->starter = pid;
		return;
	}
	if (pid < 0) {
		err_drop();
		try_later(b);
		return;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != m->state.monitor.pid)
		_exit(1);
	r = setup_plan(&plan);
	if (r == 0)
		r = keeper_connect(&plan.net);
	if (r < 0)
		log_debug("net", "a new keeper: %s", err_message(r));
	_exit(r < 0);
}

static int ask(struct monitor *m)
{
	struct bridge *b = &m->bridge;
	int r = keeper_request(b->fd, b->request, b->request_len, b->lease, b->netns);

	b->awaits = r == 0;
	return r;
}

static void connect_again(struct monitor *m)
{
	struct bridge *b = &m->bridge;
	struct rt_plan plan;
	int r = setup_plan(&plan);

	if (r == 0)
		r = b->fd = keeper_try_connect(&plan.net);
	setup_forget_plan();
	if (r >= 0) {
		(void)fcntl(b->fd, F_SETFL, O_NONBLOCK);
		r = ask(m);
	}
	err_drop();
	if (r < 0)
		try_later(b);
}

bool bridge_reaped(struct monitor *m, pid_t pid, int status)
{
	struct bridge *b = &m->bridge;

	if (!b->starter || pid != b->starter)
		return false;
	b->starter = 0;
	if (status == 0)
		connect_again(m);
	else
		try_later(b);
	return true;
}

static void answered(struct monitor *m)
{
	struct rt_plan plan;

	m->bridge.awaits = false;
	m->bridge.placed = true;
	m->bridge.pause_ns = 0;
	write_lease(m);
	if (setup_plan(&plan) < 0 || net_plan_write_hosts(&plan.net, m->bridge.lease) < 0)
		err_drop();
	setup_forget_plan();
}

void bridge_pump(struct monitor *m, int64_t now)
{
	struct bridge *b = &m->bridge;
	int r;

	if (b->fd < 0) {
		if (b->netns >= 0 && !b->starter && b->retry_at_ns && now >= b->retry_at_ns)
			start_starter(m);
		return;
	}
	r = keeper_answer(b->fd, b->lease);
	if (r == -EAGAIN)
		return;
	if (r == 0) {
		answered(m);
		control_tell_networks(m, 0);
		return;
	}
	log_debug("net", "%s", err_message(r));
	if (r == -ECONNRESET) {
		closep(&b->fd);
		b->placed = b->awaits = false;
		control_tell_networks(m, r);
		b->retry_at_ns = now;
	} else if (b->awaits) {
		b->awaits = false;
		control_tell_networks(m, r);
		/* In its networks, and the change was refused; or nowhere. */
		if (!b->placed)
			try_later(b);
	}
	err_drop();
}

int bridge_renew(struct monitor *m)
{
	int r = m->bridge.fd < 0 || m->bridge.awaits ? -EAGAIN : read_request(m);

	err_drop();
	return r < 0 ? r : ask(m);
}
