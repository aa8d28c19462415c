/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the port proxy
 *
 * Process      forked from the monitor, so it shares the monitor's pages and costs a few dozen kB.
 *              It stays in B's user and mount namespaces and moves into the container's network
 *              namespace only; the listening sockets, made before, still belong to the host's. So
 *              clients are accepted outside and connected inside, with no tap in between.
 * Address      it connects to the address of the container's device, never to 127.0.0.1 (N04):
 *              what listens on the container's loopback only is not published, and the peer a server
 *              sees is not its own localhost.
 * Powers       those descriptors, and CAP_NET_ADMIN over the container's network, not the host's,
 *              for proxy_return.c; no_new_privs, a filter that leaves about 25 system calls, not
 *              dumpable.
 * Lifetime     PR_SET_PDEATHSIG: gone with the monitor, and with it the last copy of the listeners.
 * Memory       one shared buffer, and a few pipes, given back when idle; see proxy_tcp.c for what is held.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/ports.h"
#include "net/proxy_internal.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/sys/caps.h"
#include "pkg/sys/process.h"
#include "pkg/sys/syscalls.h"

#define EVENTS_PER_TURN 64
#define PAUSE_MS 200
#define FDS_RESERVED (16U + 2 * PROXY_PIPES_MAX)

/* How the start went; the same socket then carries changes (port_change.h). */
struct report {
	int code;
	char trail[252];
};

/* --- loop --------------------------------------------------------------------------------------- */

int proxy_watch(struct proxy *p, struct source *s, uint32_t interest)
{
	struct epoll_event e = {.events = interest, .data.ptr = s};
	int op = !s->interest ? EPOLL_CTL_ADD : interest ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (interest == s->interest)
		return 0;
	if (epoll_ctl(p->epoll, op, s->fd, &e) < 0)
		return -errno;
	s->interest = interest;
	return 0;
}

unsigned char *proxy_buffer_get(struct proxy *p)
{
	void *b;

	if (p->n_spare)
		return p->spare[--p->n_spare];
	b = mmap(NULL, PROXY_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return b == MAP_FAILED ? NULL : b;
}

void proxy_buffer_put(struct proxy *p, unsigned char *b)
{
	if (p->n_spare < PROXY_SPARES)
		p->spare[p->n_spare++] = b;
	else
		(void)munmap(b, PROXY_BUFFER);
}

static void pause_tcp(struct proxy *p, bool pause)
{
	for (struct listener *l = p->first; l; l = l->next)
		if (l->src.kind == SOURCE_LISTEN_TCP && l->src.fd >= 0)
			(void)proxy_watch(p, &l->src, pause ? 0 : EPOLLIN);
	p->paused = pause;
}

static void dispatch(struct proxy *p, struct epoll_event *e)
{
	struct source *s = e->data.ptr;

	switch (s->kind) {
	case SOURCE_LISTEN_TCP:
		tcp_accept(p, (void *)s);
		break;
	case SOURCE_LISTEN_UDP:
		udp_receive(p, (void *)s);
		break;
	case SOURCE_HALF:
		tcp_event(p, s, e->events);
		break;
	case SOURCE_FLOW:
		udp_event(p, s);
		break;
	case SOURCE_CONTROL:
		proxy_control(p);
		break;
	}
}

static void __attribute__((noreturn)) loop(struct proxy *p)
{
	struct epoll_event events[EVENTS_PER_TURN];

	for (;;) {
		int timeout = p->paused ? PAUSE_MS : p->n_flows ? 5000 : -1;
		bool was_paused = p->paused;
		int n;

		if (p->dirty && p->n_conns == 0 && p->n_flows == 0) {
			(void)madvise(p->buffer, PROXY_BUFFER, MADV_DONTNEED);
			while (p->n_spare)
				(void)munmap(p->spare[--p->n_spare], PROXY_BUFFER);
			proxy_pipes_trim(p);
			p->dirty = false;
		}
		n = epoll_wait(p->epoll, events, EVENTS_PER_TURN, timeout);
		if (n < 0 && errno != EINTR)
			_exit(1);
		p->now_ns = clock_monotonic_ns();
		for (int i = 0; i < n; i++)
			dispatch(p, &events[i]);
		udp_expire(p);
		tcp_bury(p);
		udp_bury(p);
		/* Out of descriptors: new clients wait in the backlog until some are free again. */
		if (p->paused && !was_paused)
			pause_tcp(p, true);
		else if (p->paused && (n == 0 || p->n_conns < p->max_conns / 8 * 7))
			pause_tcp(p, false);
	}
}

/* --- start -------------------------------------------------------------------------------------- */

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close everything but the sockets and @keep: the monitor's lock must not live on in us. */
static int close_others(const int *fds, unsigned n, int keep)
{
	AUTO_FREE int *sorted = malloc((n + 1) * sizeof(*sorted));
	unsigned from = 3;

	if (!sorted)
		return err_new(-ENOMEM, "port proxy");
	memcpy(sorted, fds, n * sizeof(*sorted));
	sorted[n] = keep;
	qsort(sorted, n + 1, sizeof(*sorted), compare_fds);
	for (unsigned i = 0; i <= n; i++) {
		unsigned fd = (unsigned)sorted[i];

		if (sorted[i] < 3)
			return err_new(-EINVAL, "port proxy: descriptor %d", sorted[i]);
		if (fd > from && syscall(SYS_close_range, from, fd - 1, 0U) < 0)
			return err_new(-errno, "close_range");
		from = fd + 1;
	}
	if (syscall(SYS_close_range, from, ~0U, 0U) < 0)
		return err_new(-errno, "close_range");
	for (int i = 0; i < 3; i++) {
		AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null < 0 || dup2(null, i) < 0)
			return err_new(-errno, "/dev/null");
	}
	return 0;
}

static int enter_netns(pid_t pid)
{
	AUTO_CLOSE int fd = -EBADF;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_new(-errno, "open %s", path);
	if (setns(fd, CLONE_NEWNET) < 0)
		return err_new(-errno, "enter the container's network");
	return 0;
}

static int confine_calls(void)
{
	static const unsigned short allowed[] = {
#ifdef SYS_epoll_wait
		SYS_epoll_wait,
#endif
		SYS_epoll_pwait, SYS_recvfrom, SYS_sendto,      SYS_recvmsg,      SYS_sendmsg,
		SYS_epoll_ctl,   SYS_accept4,  SYS_socket,      SYS_connect,      SYS_setsockopt,
		SYS_getsockopt,  SYS_shutdown, SYS_getsockname, SYS_close,        SYS_clock_gettime,
		SYS_madvise,     SYS_mmap,     SYS_bind,        SYS_munmap,       SYS_mremap,
		SYS_brk,         SYS_futex,    SYS_fcntl,       SYS_rt_sigreturn, SYS_exit_group,
		SYS_exit,        SYS_splice,   SYS_pipe2,
	};
	int r = syscalls_allow_only(allowed, ARRAY_LEN(allowed));

	return r < 0 ? err_wrap(r, "port proxy") : 0;
}

/* @keep: transparent sockets and their mark need the right to administer the container's network. */
static int drop_powers(bool keep)
{
	const uint64_t admin = keep ? 1ULL << CAP_NET_ADMIN : 0;
	int r = caps_set(&(struct caps){.effective = admin, .permitted = admin});

	if (r == 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		r = err_new(-errno, "prctl");
	return r < 0 ? err_wrap(r, "port proxy: drop privileges") : 0;
}

/* One that was given up is used again: events of this turn may still point at it, and find it harmless. */
static struct listener *listener_get(struct proxy *p)
{
	struct listener *l = p->first;

	while (l && l->src.fd >= 0)
		l = l->next;
	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->src.fd = -EBADF;
	l->next = p->first;
	p->first = l;
	return l;
}

static bool is_loopback(const union proxy_address *a)
{
	return a->sa.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr)
					   : ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

int proxy_listen(struct proxy *p, int *fd, enum net_proto proto, uint16_t port)
{
	union proxy_address a = {.v6 = {0}};
	socklen_t len = sizeof(a);
	struct listener *l;
	int r;

	if (getsockname(*fd, &a.sa, &len) < 0)
		return -errno;
	l = listener_get(p);
	if (!l)
		return -ENOMEM;
	l->src = (struct source){.kind = proto == NET_TCP ? SOURCE_LISTEN_TCP : SOURCE_LISTEN_UDP,
				 .fd = *fd};
	l->v6 = a.sa.sa_family == AF_INET6;
	l->any_address = l->v6 ? IN6_IS_ADDR_UNSPECIFIED(&a.v6.sin6_addr)
			       : a.v4.sin_addr.s_addr == htonl(INADDR_ANY);
	l->to_v6 = false;
	l->port = port;
	r = proto == NET_TCP ? 0 : udp_prepare(l);
	if (proto == NET_TCP)
		tcp_prepare(l);
	if (proto == NET_TCP && is_loopback(&a))
		proxy_do_not_pace(*fd);
	if (r == 0)
		r = proxy_watch(p, &l->src, EPOLLIN);
	if (r < 0) {
		l->src.fd = -EBADF;
		return r;
	}
	*fd = -EBADF;
	p->n_listeners++;
	return 0;
}

void proxy_unlisten(struct proxy *p, struct listener *l)
{
	if (l->src.kind == SOURCE_LISTEN_UDP)
		udp_forget(p, l);
	/* The monitor may hold another copy until the run is over: it must leave the epoll set itself. */
	(void)proxy_watch(p, &l->src, 0);
	closep(&l->src.fd);
	p->n_listeners--;
}

static int make_listeners(struct proxy *p, const struct net_plan *n, const int *fds)
{
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return err_new(-errno, "epoll");
	if (!proxy_target_init(p, n))
		return err_new(-CE_NETWORK, "publish: the container's network has no address");
	for (unsigned i = 0; i < n->n_ports; i++) {
		int fd = fds[i], r;

		r = proxy_listen(p, &fd, n->ports[i].proto, n->ports[i].container_port);
		if (r < 0)
			return err_new(r, "port proxy: socket %u", i);
	}
	return proxy_watch(p, &p->control, EPOLLIN);
}

/* As many clients as descriptors allow, at two each, a quarter of them set aside for UDP flows. */
static void set_limits(struct proxy *p)
{
	struct rlimit l = {0};
	rlim_t left;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
		(void)getrlimit(RLIMIT_NOFILE, &l);
	}
	left = l.rlim_cur > p->n_listeners + FDS_RESERVED + 16
		       ? l.rlim_cur - p->n_listeners - FDS_RESERVED
		       : 16;
	p->max_flows = left / 4 < PROXY_FLOWS_MAX ? (unsigned)(left / 4) : PROXY_FLOWS_MAX;
	left = (left - p->max_flows) / 2;
	p->max_conns = left < PROXY_CONNS_MAX ? (unsigned)left : PROXY_CONNS_MAX;
}

static int become_proxy(struct proxy *p, const struct net_plan *n, const int *fds, pid_t pid,
			pid_t parent, int report)
{
	int r;

	p->control = (struct source){.kind = SOURCE_CONTROL, .fd = report};
	r = close_others(fds, n->n_ports, report);
	if (r == 0)
		r = enter_netns(pid);
	if (r == 0)
		proxy_loopback_init(p);
	if (r == 0)
		r = make_listeners(p, n, fds);
	if (r == 0) {
		proxy_return_init(p);
		r = drop_powers(p->shows4);
	}
	if (r < 0)
		return r;
	set_limits(p);
	p->buffer = proxy_buffer_get(p);
	if (!p->buffer)
		return err_new(-errno, "port proxy: buffer");
	(void)prctl(PR_SET_NAME, "cuddy-proxy");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_new(-errno, "port proxy: death signal");
	if (getppid() != parent) /* died before the line above */
		_exit(1);
	return confine_calls();
}

static void __attribute__((noreturn))
proxy_main(const struct net_plan *n, const int *fds, pid_t pid, pid_t parent, int report)
{
	static struct proxy p;
	struct report why = {.code = 0};
	sigset_t all;

	/* The monitor's handlers and blocked signals are not ours; SIGKILL is what ends us. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	why.code = become_proxy(&p, n, fds, pid, parent, report);
	if (why.code < 0) {
		(void)snprintf(why.trail, sizeof(why.trail), "%s", err_trail());
		(void)send(report, &why, sizeof(why), MSG_NOSIGNAL);
		_exit(1);
	}
	(void)send(report, &why, sizeof(why), MSG_NOSIGNAL);
	loop(&p);
}

static bool receive(int fd, struct report *why)
{
	ssize_t n;

	do {
		n = recv(fd, why, sizeof(*why), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*why);
}

int net_proxy_start(const struct net_plan *n, const int *fds, pid_t pid, int *ret_ctl)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	struct report why = {.code = 0};
	pid_t proxy, self = getpid();
	int s[2], status;

	if (n->n_ports == 0 || !net_mode_publishes(n->mode))
		return -ENOENT;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return err_new(-errno, "socketpair");
	rd = s[0];
	wr = s[1];
	proxy = fork();
	if (proxy < 0)
		return err_new(-errno, "fork");
	if (proxy == 0)
		proxy_main(n, fds, pid, self, wr);
	closep(&wr);
	pidfd = pidfd_open_pid(proxy);
	if (pidfd >= 0 && receive(rd, &why) && why.code == 0) {
		log_debug("net", "port proxy is %d, %u ports", (int)proxy, n->n_ports);
		*ret_ctl = TAKE_FD(rd);
		return TAKE_FD(pidfd);
	}
	(void)kill(proxy, SIGKILL);
	while (waitpid(proxy, &status, 0) < 0 && errno == EINTR)
		;
	if (pidfd < 0)
		return pidfd;
	why.trail[sizeof(why.trail) - 1] = '\0';
	return err_set(why.code < 0 ? why.code : -CE_PROTOCOL, why.trail);
}
