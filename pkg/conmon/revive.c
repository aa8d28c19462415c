/* SPDX-License-Identifier: MIT */
/*
 * The network helper and the proxy of published ports may be killed, like everything: then another one
 * serves the same namespace and the same sockets, which we hold. Connections of the old one are lost.
 */
#include <poll.h>
#include <unistd.h>

#include "net/helper.h"
#include "net/ports.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/conmon/monitor.h"

#define READY_MS 5000
/* What dies again and again is left dead. */
#define TRIES 5
#define FORGET_NS (20 * NS_PER_S)

static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return pidfd >= 0 && poll(&p, 1, 0) > 0;
}

static int helper_again(struct monitor *m, const struct net_plan *n)
{
	struct net_helper h = NET_HELPER_INIT;
	pid_t pid = pinned_visit(m);
	int r = pid < 0 ? (int)pid : net_helper_start(n, pid, &h);

	if (r == 0)
		r = net_helper_wait_ready(&h, READY_MS);
	if (pid > 0)
		pinned_leave(m, pid);
	closep(&h.ready_fd);
	closep(&h.log_fd);
	if (r < 0) {
		net_helper_done(&h);
		return r;
	}
	m->run.helper_pidfd = TAKE_FD(h.pidfd);
	m->run.helper_exit_fd = TAKE_FD(h.exit_fd);
	return 0;
}

static int proxy_again(struct monitor *m, struct net_plan *n)
{
	int fds[PORTS_MAX + ADDED_PORTS_MAX], r = publish_plan(m, n, fds);

	return r < 0 ? r : publish_serve(m, n, fds);
}

static bool may_try(struct monitor *m)
{
	const int64_t now = clock_monotonic_ns();

	if (now - m->revived_ns > FORGET_NS)
		m->n_revived = 0;
	m->revived_ns = now;
	return m->n_revived++ < TRIES;
}

void revive_helpers(struct monitor *m)
{
	const bool helper = has_ended(m->run.helper_pidfd), proxy = has_ended(m->run.proxy_pidfd);
	struct rt_plan plan;
	int r;

	if (m->exited || (!helper && !proxy))
		return;
	if (helper) {
		closep(&m->run.helper_pidfd);
		closep(&m->run.helper_exit_fd);
	}
	if (proxy) {
		closep(&m->run.proxy_pidfd);
		closep(&m->run.proxy_ctl);
	}
	if (!may_try(m))
		return;
	r = setup_plan(&plan);
	if (r == 0 && helper)
		r = helper_again(m, &plan.net);
	if (r == 0 && proxy)
		r = proxy_again(m, &plan.net);
	if (r < 0)
		log_debug("conmon", "network helpers: %s", err_message(r));
	err_drop();
	setup_forget_plan();
}
