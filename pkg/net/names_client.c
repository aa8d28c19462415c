/* SPDX-License-Identifier: MIT */
/* The keeper's side of the server of names. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/resolver.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/net/egress.h"
#include "pkg/net/keeper.h"
#include "pkg/net/names.h"
#include "pkg/net/uplink.h"
#include "pkg/sys/open.h"
#include "pkg/sys/socket.h"

#define ANSWER_MS 10000
#define NAMES_FD 3

static void __attribute__((noreturn)) child(int fd, int netns)
{
	sigset_t none;

	if (netns >= 0 && setns(netns, CLONE_NEWNET) < 0)
		_exit(1);

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_NAME, "cuddy-names");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A copy of a connection or a namespace that stayed here would outlive its owner. */
	if (fd != NAMES_FD && dup3(fd, NAMES_FD, O_CLOEXEC) < 0)
		_exit(1);
	if (fd_close_from(NAMES_FD + 1, 1) < 0)
		_exit(1);
	_exit(names_main(NAMES_FD, netns < 0 ? 0 : NAMES_MARK) < 0);
}

/* That of the container that is guarded. */
static int netns_of(const struct keeper *k)
{
	for (unsigned i = 0; i < k->n_clients; i++)
		if (k->clients[i].egress)
			return k->clients[i].netns;
	return -ENOENT;
}

int names_start(struct keeper *k)
{
	int pair[2], netns = k->guards ? netns_of(k) : -EBADF,
		     r = netns == -ENOENT ? netns : socket_pair(pair);
	pid_t pid;

	if (k->names_pid > 0)
		(void)waitpid(k->names_pid, NULL, 0);
	closep(&k->names_fd);
	k->names_pid = 0;
	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		child(pair[1], netns);
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return err_new(-errno, "fork");
	}
	k->names_fd = pair[0];
	k->names_pid = pid;
	return 0;
}

static void put_entries(const struct keeper *k, const struct network *n, struct sbuf *b)
{
	sbuf_addf(b, "N %u\n", (n->flags & BRIDGE_INTERNAL) ? 1U : 0U);
	for (unsigned i = 0; i < n->n_subnets; i++) {
		char text[INET6_ADDRSTRLEN];

		if (n->subnets[i].gateway.family)
			sbuf_addf(b, "L %s\n", address_format(&n->subnets[i].gateway, text));
	}
	for (unsigned i = 0; i < k->n_clients; i++)
		for (unsigned e = 0; e < k->clients[i].n; e++) {
			const struct endpoint *p = &k->clients[i].v[e];

			if (p->net != n)
				continue;
			sbuf_addf(b, "E %s %s %s %s\n", k->clients[i].id,
				  *p->lease.ip ? p->lease.ip : "-",
				  *p->lease.ip6 ? p->lease.ip6 : "-", p->names);
			if (*p->links)
				sbuf_addf(b, "A %s %s\n", k->clients[i].id, p->links);
		}
}

static void put_limit(const struct client *c, struct sbuf *b)
{
	sbuf_addf(b, "G %s", c->id);
	for (unsigned i = 0; i < c->n_egress; i++)
		sbuf_addf(b, " %s", *c->egress[i].name ? c->egress[i].name : "-");
	sbuf_addc(b, '\n');
}

/* A guard's: whoever asks from inside is the container. */
static void put_guarded(const struct client *c, struct sbuf *b)
{
	sbuf_addf(b, "N 0\nL " GUARD_DNS "\nE %s 127.0.0.1 ::1 localhost\nS %s %s\n", c->id, c->id,
		  c->servers);
	put_limit(c, b);
}

/* Its own servers and those of its networks; else the host's, by the way out. From internal ones: none. */
static void put_servers(const struct keeper *k, const struct client *c, struct sbuf *b)
{
	bool outside = false, any = false;

	for (unsigned e = 0; e < c->n; e++)
		outside = outside || !(c->v[e].net->flags & BRIDGE_INTERNAL);
	sbuf_addf(b, "S %s", c->id);
	for (unsigned e = 0; outside && e < c->n; e++)
		if (*c->v[e].servers && !any) {
			sbuf_addf(b, " %s", c->v[e].servers);
			any = true;
		}
	if (outside && !any && k->ready_fd >= 0)
		sbuf_adds(b, net_host_servers() == NET_SERVERS_IPV6 ? " " UPLINK_DNS6
								    : " " UPLINK_DNS);
	sbuf_addc(b, '\n');
	if (c->egress)
		put_limit(c, b);
}

/* One message, which is not waited for; its length, 0 when there is none (@ret_ack: it has taken a table), or -1: it died. */
static int hear(struct keeper *k, bool *ret_ack)
{
	static char text[NAMES_NEWS_MAX + 1];
	ssize_t n = recv(k->names_fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	*ret_ack = false;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	text[n] = '\0';
	if (strcmp(text, ".") == 0)
		*ret_ack = true;
	else if (egress_news(k, text) && socket_send(k->names_fd, "+", 1, NULL, 0) < 0)
		return -1;
	return (int)n;
}

bool names_speaks(struct keeper *k)
{
	bool ack;

	return hear(k, &ack) >= 0;
}

/* What it had said before it saw the table comes first. */
static bool await_ack(struct keeper *k)
{
	struct pollfd p = {.fd = k->names_fd, .events = POLLIN};
	bool ack = false;

	while (!ack)
		if (poll(&p, 1, ANSWER_MS) <= 0 || hear(k, &ack) < 0)
			return false;
	return true;
}

static bool send_table(struct keeper *k, const struct sbuf *b)
{
	int size = (int)b->len + 65536;

	(void)setsockopt(k->names_fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	(void)setsockopt(k->names_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return k->names_fd >= 0 && socket_send(k->names_fd, b->s, b->len, NULL, 0) == 0 &&
	       await_ack(k);
}

void names_update(struct keeper *k)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	for (unsigned i = 0; i < k->n_networks; i++)
		if (k->networks[i]->flags & BRIDGE_NAMES)
			put_entries(k, k->networks[i], &b);
	for (unsigned i = 0; i < k->n_clients; i++)
		if (k->clients[i].n)
			put_servers(k, &k->clients[i], &b);
		else if (k->guards && egress_has_names(&k->clients[i]))
			put_guarded(&k->clients[i], &b);
	if (k->guards && b.len == 0)
		return; /* nobody needs it */
	if (b.len == 0)
		sbuf_addc(&b, '\n');
	if (send_table(k, &b))
		return;
	/* Dead or stuck: a new one, once. */
	if (k->names_pid > 0)
		(void)kill(k->names_pid, SIGKILL);
	if (names_start(k) < 0 || !send_table(k, &b))
		log_debug("net", "the server of names does not run");
	err_drop();
}
