/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the server of names
 *
 * Process   a child of the keeper in the bridges' network namespace, with no capability, no new
 *           privileges and a filter of system calls; when it dies the keeper starts another.
 * Sockets   UDP and TCP at port 53 of each gateway, made and bound by it: ports below 1024 are free in
 *           that namespace.
 * Table     replaced as a whole by a message of the keeper, which waits for our one byte back: a
 *           name is known before the command of its container starts.
 * Forward   UDP: a socket of its own, connected, with a number of its own, for each question; the servers
 *           of the asking container are tried in turn, at once when one refuses, after a time
 *           when it is silent. TCP: the first question decides; one for outside joins the two ends.
 */
#include "pkg/net/names.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/net/names_internal.h"

#define PORT 53
#define PENDING_MAX 256
#define SERVER_MS 1500
#define ROUNDS 2
#define RCODE_SERVFAIL 2
#define RCODE_REFUSED 5
#define KEEPER_MS 5000

struct listener {
	struct address at;
	unsigned net;
	int udp, tcp;
};

/* A question that is somebody else's to answer. */
struct pending {
	int fd; /* -EBADF: free */
	int listener_fd; /* answers go out where the question came in */
	struct address client;
	in_port_t client_port;
	unsigned char id[2], ours[2];
	struct names_servers servers;
	unsigned tries;
	int64_t until_ns;
	char limited[65]; /* the container, if it has an allow-list; else "" */
	size_t len;
	unsigned char q[512];
};

static struct {
	int keeper;
	unsigned mark; /* of sockets that ask; 0: none */
	struct names_table table;
	struct listener *listeners;
	unsigned n_listeners;
	struct pending pending[PENDING_MAX];
	struct names_stream streams[NAMES_STREAMS_MAX];
} s;

socklen_t names_sockaddr(const struct address *a, in_port_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (a->family == AF_INET) {
		*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
		memcpy(&v4->sin_addr, a->b, 4);
		return sizeof(*v4);
	}
	*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
	memcpy(&v6->sin6_addr, a->b, 16);
	return sizeof(*v6);
}

static in_port_t from_sockaddr(const struct sockaddr_storage *from, struct address *ret)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	*ret = (struct address){.family = from->ss_family};
	if (from->ss_family == AF_INET) {
		memcpy(ret->b, &v4->sin_addr, 4);
		return v4->sin_port;
	}
	memcpy(ret->b, &v6->sin6_addr, 16);
	return v6->sin6_port;
}

/* --- listening ---------------------------------------------------------------------------------- */

static int bound(const struct address *a, int type)
{
	AUTO_CLOSE int fd = socket(a->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage at;
	socklen_t n = names_sockaddr(a, htons(PORT), &at);
	int on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, n) < 0 || (type == SOCK_STREAM && listen(fd, 16) < 0))
		return -errno;
	return TAKE_FD(fd);
}

static struct listener *listener_at(struct listener *v, unsigned n, const struct address *a)
{
	for (unsigned i = 0; i < n; i++)
		if (address_equal(&v[i].at, a))
			return &v[i];
	return NULL;
}

/* Sockets of addresses that stay are kept: no question is lost in a change. */
static void listen_anew(void)
{
	struct listener *v;
	unsigned n = 0, max = 0;

	for (unsigned i = 0; i < s.table.n_nets; i++)
		max += s.table.nets[i].n_listen;
	v = xcalloc(max + 1, sizeof(*v));
	for (unsigned i = 0; i < s.table.n_nets; i++)
		for (unsigned k = 0; k < s.table.nets[i].n_listen; k++) {
			const struct address *a = &s.table.nets[i].listen[k];
			struct listener *old = listener_at(s.listeners, s.n_listeners, a);

			if (old) {
				v[n] = *old;
				old->udp = old->tcp = -EBADF;
			} else {
				v[n] = (struct listener){.at = *a,
							 .udp = bound(a, SOCK_DGRAM),
							 .tcp = bound(a, SOCK_STREAM)};
			}
			if (v[n].udp < 0)
				log_debug("net", "names: bind: %s", err_text(v[n].udp));
			v[n++].net = i;
		}
	for (unsigned i = 0; i < s.n_listeners; i++) {
		for (unsigned k = 0; k < PENDING_MAX; k++)
			if (s.pending[k].fd >= 0 && s.listeners[i].udp >= 0 &&
			    s.pending[k].listener_fd == s.listeners[i].udp)
				closep(&s.pending[k].fd);
		closep(&s.listeners[i].udp);
		closep(&s.listeners[i].tcp);
	}
	free(s.listeners);
	s.listeners = v;
	s.n_listeners = n;
}

/* A message of the keeper, if there is one; false: it is gone. @ret_word: it was its "+", and no table. */
static bool hear_keeper(bool *ret_word)
{
	ssize_t n = recv(s.keeper, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	struct names_table t;
	char *text;

	*ret_word = false;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	text = xcalloc(1, (size_t)n + 1);
	if (recv(s.keeper, text, (size_t)n, 0) != n) {
		free(text);
		return false;
	}
	*ret_word = strcmp(text, "+") == 0;
	if (*ret_word) {
		free(text);
		return true;
	}
	if (names_table_parse(text, &t) < 0) {
		log_debug("net", "names: %s", err_trail());
		err_drop();
	} else {
		names_table_done(&s.table);
		s.table = t;
		listen_anew();
	}
	return send(s.keeper, ".", 1, MSG_NOSIGNAL) == 1;
}

/* --- allow-lists -------------------------------------------------------------------------------- */

/*
 * The keeper may be sending us a table in the same moment, and waits for our word that we have it; so that
 * is taken meanwhile. Pointers into the table are worth nothing afterwards.
 */
void names_tell(const char *id, const char *name, const unsigned char *m, size_t n)
{
	static char news[NAMES_NEWS_MAX];
	const struct names_limit *l = names_limit_by_id(&s.table, id);
	size_t len = l ? names_limit_news(l, name, m, n, news) : 0;
	const int64_t until_ns = clock_monotonic_ns() + KEEPER_MS * NS_PER_MS;
	bool word = false;

	if (len == 0 || send(s.keeper, news, len, MSG_NOSIGNAL) != (ssize_t)len)
		return;
	while (!word && clock_monotonic_ns() < until_ns) {
		struct pollfd p = {.fd = s.keeper, .events = POLLIN};

		if (poll(&p, 1, KEEPER_MS) > 0 && !hear_keeper(&word))
			return; /* the loop reads the same end */
	}
}

void names_tell_refused(const char *id)
{
	char news[80];
	int n = snprintf(news, sizeof(news), "R %s", id);

	(void)send(s.keeper, news, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool listens(int fd)
{
	for (unsigned i = 0; i < s.n_listeners; i++)
		if (s.listeners[i].udp == fd)
			return true;
	return false;
}

/* --- forwarding --------------------------------------------------------------------------------- */

static void reply_to(const struct pending *p, const unsigned char *m, size_t n)
{
	struct sockaddr_storage to;
	socklen_t len = names_sockaddr(&p->client, p->client_port, &to);

	(void)sendto(p->listener_fd, m, n, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
		     len);
}

int names_ask(const struct address *to, int type)
{
	AUTO_CLOSE int fd = socket(to->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage at;
	socklen_t len = names_sockaddr(to, htons(PORT), &at);

	if (fd < 0 || (s.mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &s.mark, sizeof(s.mark)) < 0))
		return -errno;
	if (connect(fd, (struct sockaddr *)&at, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return TAKE_FD(fd);
}

/* The next server there is; when all had their turns the client hears that it failed. */
static void ask_next(struct pending *p)
{
	unsigned char out[NAMES_MESSAGE_MAX];
	size_t n;

	closep(&p->fd);
	while (p->tries < ROUNDS * p->servers.n) {
		const struct address *a = &p->servers.v[p->tries++ % p->servers.n];

		p->fd = names_ask(a, SOCK_DGRAM);
		if (getrandom(p->ours, sizeof(p->ours), 0) != (ssize_t)sizeof(p->ours))
			memset(p->ours, 0, sizeof(p->ours));
		memcpy(p->q, p->ours, sizeof(p->ours));
		if (p->fd >= 0 && send(p->fd, p->q, p->len, MSG_NOSIGNAL) == (ssize_t)p->len) {
			p->until_ns = clock_monotonic_ns() + SERVER_MS * NS_PER_MS;
			return;
		}
		closep(&p->fd);
	}
	memcpy(p->q, p->id, sizeof(p->id));
	n = names_refuse(p->q, p->len, RCODE_SERVFAIL, out);
	if (n)
		reply_to(p, out, n);
}

static void forwarded_answer(struct pending *p)
{
	unsigned char m[NAMES_MESSAGE_MAX];
	char name[NAMES_NAME_MAX];
	ssize_t n = recv(p->fd, m, sizeof(m), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { /* it refuses: the next one, at once */
		ask_next(p);
		return;
	}
	if (n < 12 || memcmp(m, p->ours, sizeof(p->ours)) != 0 || !(m[2] & 0x80))
		return;
	/* One that only says that it failed is as good as silent, while there are others. */
	if ((m[3] & 0x0f) == RCODE_SERVFAIL && p->tries < p->servers.n) {
		ask_next(p);
		return;
	}
	memcpy(m, p->id, sizeof(p->id));
	if (*p->limited && names_asked(p->q, p->len, name)) {
		names_tell(p->limited, name, m, (size_t)n);
		if (p->fd < 0)
			return; /* its network went meanwhile */
	}
	reply_to(p, m, (size_t)n);
	closep(&p->fd);
}

/* Full: the oldest makes room. */
static struct pending *free_pending(void)
{
	struct pending *oldest = &s.pending[0];

	for (unsigned i = 0; i < PENDING_MAX; i++) {
		if (s.pending[i].fd < 0)
			return &s.pending[i];
		if (s.pending[i].until_ns < oldest->until_ns)
			oldest = &s.pending[i];
	}
	closep(&oldest->fd);
	return oldest;
}

static void udp_question(const struct listener *l)
{
	unsigned char q[NAMES_MESSAGE_MAX], out[NAMES_MESSAGE_MAX];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(l->udp, q, sizeof(q), MSG_DONTWAIT | MSG_TRUNC,
			     (struct sockaddr *)&from, &from_len);
	const struct names_servers *servers;
	struct pending *p, asked = {.fd = -EBADF, .listener_fd = l->udp};
	const struct names_limit *limit;
	char name[NAMES_NAME_MAX];
	enum names_verdict v;
	size_t len = 0;

	if (n <= 0 || n > (ssize_t)sizeof(q))
		return;
	asked.client_port = from_sockaddr(&from, &asked.client);
	v = names_answer(&s.table, l->net, &asked.client, q, (size_t)n, true, out, &len);
	limit = v == NAMES_DROP ? NULL : names_limit_of(&s.table, l->net, &asked.client);
	if (limit && names_asked(q, (size_t)n, name)) {
		(void)snprintf(asked.limited, sizeof(asked.limited), "%s", limit->id);
		if (v == NAMES_ANSWERED)
			names_tell(asked.limited, name, out, len);
		if (v == NAMES_FORWARD && !names_limit_allows(limit, name)) {
			names_tell_refused(limit->id);
			len = names_refuse(q, (size_t)n, RCODE_REFUSED, out);
			v = NAMES_ANSWERED;
		}
		if (!listens(asked.listener_fd))
			return; /* the network went while the keeper was told; so did @l */
	}
	if (v == NAMES_FORWARD) {
		servers = names_servers_of(&s.table, l->net, &asked.client);
		if (servers && (size_t)n <= sizeof(asked.q)) {
			p = free_pending();
			asked.servers = *servers;
			asked.len = (size_t)n;
			memcpy(asked.id, q, sizeof(asked.id));
			memcpy(asked.q, q, (size_t)n);
			*p = asked;
			ask_next(p);
			return;
		}
		len = names_refuse(q, (size_t)n, RCODE_SERVFAIL, out);
	}
	if (v != NAMES_DROP && len)
		reply_to(&asked, out, len);
}

/* --- TCP ---------------------------------------------------------------------------------------- */

static void accept_stream(const struct listener *l)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	AUTO_CLOSE int fd = accept4(l->tcp, (struct sockaddr *)&from, &len,
				    SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (unsigned i = 0; fd >= 0 && i < NAMES_STREAMS_MAX; i++) {
		if (s.streams[i].fd >= 0)
			continue;
		names_stream_begin(&s.streams[i], TAKE_FD(fd), l->net);
		(void)from_sockaddr(&from, &s.streams[i].client);
		return;
	}
}

/* --- the loop ------------------------------------------------------------------------------------ */

struct poll_set {
	struct pollfd *p;
	unsigned n, max;
};

static void want(struct poll_set *ps, int fd, short events)
{
	if (ps->n == ps->max) {
		ps->max = ps->max ? 2 * ps->max : 64;
		ps->p = xreallocarray(ps->p, ps->max, sizeof(*ps->p));
	}
	ps->p[ps->n++] = (struct pollfd){.fd = fd >= 0 ? fd : -1, .events = events};
}

static int wait_for(struct poll_set *ps)
{
	int64_t now = clock_monotonic_ns(), at = INT64_MAX;

	ps->n = 0;
	want(ps, s.keeper, POLLIN);
	for (unsigned i = 0; i < s.n_listeners; i++) {
		want(ps, s.listeners[i].udp, POLLIN);
		want(ps, s.listeners[i].tcp, POLLIN);
	}
	for (unsigned i = 0; i < PENDING_MAX; i++) {
		if (s.pending[i].fd < 0)
			continue;
		want(ps, s.pending[i].fd, POLLIN);
		if (s.pending[i].until_ns < at)
			at = s.pending[i].until_ns;
	}
	for (unsigned i = 0; i < NAMES_STREAMS_MAX; i++) {
		struct names_stream *t = &s.streams[i];

		if (t->fd < 0)
			continue;
		want(ps, t->fd, names_stream_events(t, false));
		want(ps, t->up, names_stream_events(t, true));
		if (t->until_ns < at)
			at = t->until_ns;
		if (t->up >= 0 && !t->reached && t->server_until_ns < at)
			at = t->server_until_ns;
	}
	if (at == INT64_MAX)
		return poll(ps->p, ps->n, -1);
	return poll(ps->p, ps->n, at <= now ? 0 : (int)((at - now) / NS_PER_MS + 1));
}

/* Everything that may have something is asked; nothing waits, so it need not be looked up. */
static void serve_round(void)
{
	int64_t now = clock_monotonic_ns();

	for (unsigned i = 0; i < s.n_listeners; i++) {
		if (s.listeners[i].udp >= 0)
			udp_question(&s.listeners[i]);
		if (s.listeners[i].tcp >= 0)
			accept_stream(&s.listeners[i]);
	}
	for (unsigned i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &s.pending[i];

		if (p->fd >= 0)
			forwarded_answer(p);
		if (p->fd >= 0 && now >= p->until_ns)
			ask_next(p);
	}
	for (unsigned i = 0; i < NAMES_STREAMS_MAX; i++)
		if (s.streams[i].fd >= 0)
			names_stream_pump(&s.streams[i], &s.table, now);
}

int names_main(int fd, unsigned mark)
{
	struct poll_set ps = {0};
	int r = names_confine(mark != 0);
	bool word;

	if (r < 0)
		return r;
	s.keeper = fd;
	s.mark = mark;
	for (unsigned i = 0; i < PENDING_MAX; i++)
		s.pending[i].fd = -EBADF;
	for (unsigned i = 0; i < NAMES_STREAMS_MAX; i++)
		s.streams[i].fd = s.streams[i].up = -EBADF;
	for (;;) {
		if (wait_for(&ps) < 0 && errno != EINTR)
			return -errno;
		if (ps.n && (ps.p[0].revents & (POLLIN | POLLHUP | POLLERR)) && !hear_keeper(&word))
			return 0;
		serve_round();
	}
}
