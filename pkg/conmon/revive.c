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
#define AGAIN_NS (NS_PER_S / 4) /* after what failed; twice as long each time */

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
	int fds[NET_PUBLISHED_MAX + ADDED_PORTS_MAX], r = publish_plan(m, n, fds);

	return r < 0 ? r : publish_serve(m, n, fds);
}

static bool may_try(struct revival *v, int64_t now)
{
	if (now - v->last_ns > FORGET_NS)
		v->n = 0;
	v->last_ns = now;
	return v->n++ < TRIES;
}

/* Has it died since the last look? @its: our end of what it had. */
static bool has_died(int *pidfd, int *its)
{
	if (!has_ended(*pidfd))
		return false;
	closep(pidfd);
	closep(its);
	return true;
}

static void notice(struct monitor *m, int64_t now)
{
	struct revival *v = &m->revival;
	bool helper = has_died(&m->run.helper_pidfd, &m->run.helper_exit_fd);
	bool proxy = has_died(&m->run.proxy_pidfd, &m->run.proxy_ctl);

	v->helper = v->helper || helper;
	v->proxy = v->proxy || proxy;
	if (helper || proxy)
		v->at_ns = now;
}

static int revive(struct monitor *m)
{
	struct revival *v = &m->revival;
	struct rt_plan plan;
	int r = setup_plan(&plan);

	if (r == 0 && v->helper) {
		r = helper_again(m, &plan.net);
		v->helper = r < 0;
	}
	if (r == 0 && v->proxy) {
		r = proxy_again(m, &plan.net);
		v->proxy = r < 0;
	}
	setup_forget_plan();
	return r;
}

void revive_helpers(struct monitor *m)
{
	struct revival *v = &m->revival;
	const int64_t now = clock_monotonic_ns();
	int r;

	if (m->exited) {
		v->helper = v->proxy = false;
		v->at_ns = 0;
		return;
	}
	notice(m, now);
	if (!v->at_ns || now < v->at_ns)
		return;
	v->at_ns = 0;
	if (!may_try(v, now)) {
		v->helper = v->proxy = false;
		return;
	}
	r = revive(m);
	if (r < 0) {
		log_debug("conmon", "network helpers: %s", err_message(r));
		/* The old one's device may not be gone yet, or the machine has no moment for us. */
		v->at_ns = clock_monotonic_ns() + (AGAIN_NS << v->n);
	}
	err_drop();
}
