/* SPDX-License-Identifier: MIT */
/*
 * Theory: a client is (listener, address). Each has a flow: a connected socket inside the container,
 * so that replies find their way back; flows end after 90 s without a datagram, and the one silent
 * longest makes room when there are too many. A listener on "any" address notes which address the
 * client wrote to and answers from it, as a client with a connected socket expects.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/proxy_internal.h"
#include "pkg/base/auto.h"

#define DATAGRAMS_PER_TURN 64
#define DATAGRAM_MAX 65536U

struct flow {
	struct source src;
	struct listener *listener;
	union proxy_address client;
	socklen_t client_len;
	union {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
	} local; /* the address the client wrote to */
	bool has_local;
	bool answered;
	bool dead;
	int64_t used_ns;
	struct flow *next_in_bucket;
	struct flow *newer, *older; /* by last use */
};

int udp_prepare(struct listener *l)
{
	const int on = 1;

	if (!l->any_address)
		return 0;
	if (setsockopt(l->src.fd, l->v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       l->v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static bool same_client(const struct flow *f, const struct listener *l,
			const union proxy_address *a)
{
	if (f->listener != l)
		return false;
	if (!proxy_same_address(&f->client, a))
		return false;
	if (!l->v6)
		return f->client.v4.sin_port == a->v4.sin_port;
	return f->client.v6.sin6_port == a->v6.sin6_port &&
	       f->client.v6.sin6_scope_id == a->v6.sin6_scope_id;
}

static struct flow **bucket(struct proxy *p, const union proxy_address *a, bool v6)
{
	uint32_t h, w[4];

	if (v6) {
		memcpy(w, &a->v6.sin6_addr, sizeof(w));
		h = w[0] ^ w[1] ^ w[2] ^ w[3] ^ a->v6.sin6_port;
	} else {
		h = a->v4.sin_addr.s_addr ^ a->v4.sin_port;
	}
	h *= 2654435761U; /* Knuth's multiplicative hash: the high byte depends on all bits */
	return &p->buckets[h >> 24];
}

static void unlink_age(struct proxy *p, struct flow *f)
{
	*(f->newer ? &f->newer->older : &p->newest) = f->older;
	*(f->older ? &f->older->newer : &p->oldest) = f->newer;
}

static void link_newest(struct proxy *p, struct flow *f)
{
	f->newer = NULL;
	f->older = p->newest;
	*(f->older ? &f->older->newer : &p->oldest) = f;
	p->newest = f;
}

static void touch(struct proxy *p, struct flow *f)
{
	f->used_ns = p->now_ns;
	if (p->newest != f) {
		unlink_age(p, f);
		link_newest(p, f);
	}
}

static void flow_end(struct proxy *p, struct flow *f)
{
	struct flow **at = bucket(p, &f->client, f->listener->v6);

	while (*at != f)
		at = &(*at)->next_in_bucket;
	*at = f->next_in_bucket;
	unlink_age(p, f);
	closep(&f->src.fd);
	f->dead = true;
	f->next_in_bucket = p->dead_flows; /* an event of this turn may still point at it */
	p->dead_flows = f;
	p->n_flows--;
}

void udp_bury(struct proxy *p)
{
	while (p->dead_flows) {
		struct flow *f = p->dead_flows;

		p->dead_flows = f->next_in_bucket;
		free(f);
	}
}

void udp_expire(struct proxy *p)
{
	while (p->oldest && p->oldest->used_ns + PROXY_FLOW_IDLE_NS <= p->now_ns)
		flow_end(p, p->oldest);
}

void udp_forget(struct proxy *p, const struct listener *l)
{
	for (struct flow *f = p->oldest, *next; f; f = next) {
		next = f->newer;
		if (f->listener == l)
			flow_end(p, f);
	}
}

static struct flow *flow_start(struct proxy *p, struct listener *l, const union proxy_address *a,
			       socklen_t len)
{
	AUTO_CLOSE int fd = -EBADF;
	union proxy_address to;
	socklen_t to_len = proxy_target(p, l->to_v6, l->port, &to);
	struct flow *f, **at;

	if (p->n_flows >= p->max_flows)
		flow_end(p, p->oldest);
	if (!to_len) {
		l->to_v6 = !l->to_v6;
		return NULL;
	}
	fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, &to.sa, to_len) < 0)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->src = (struct source){.kind = SOURCE_FLOW, .fd = fd};
	if (proxy_watch(p, &f->src, EPOLLIN) < 0) {
		free(f);
		return NULL;
	}
	(void)TAKE_FD(fd);
	f->listener = l;
	f->client = *a;
	f->client_len = len;
	at = bucket(p, a, l->v6);
	f->next_in_bucket = *at;
	*at = f;
	link_newest(p, f);
	p->n_flows++;
	return f;
}

/* Remember which of the host's addresses the datagram was sent to. */
static void note_local(struct flow *f, struct msghdr *m)
{
	f->has_local = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && !f->listener->v6) {
			memcpy(&f->local.v4, CMSG_DATA(c), sizeof(f->local.v4));
			f->local.v4.ipi_spec_dst = f->local.v4.ipi_addr;
			f->local.v4.ipi_ifindex = 0; /* routing decides the way back */
			f->has_local = true;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
		    f->listener->v6) {
			memcpy(&f->local.v6, CMSG_DATA(c), sizeof(f->local.v6));
			if (!IN6_IS_ADDR_LINKLOCAL(&f->local.v6.ipi6_addr))
				f->local.v6.ipi6_ifindex = 0;
			f->has_local = true;
		}
	}
}

void udp_receive(struct proxy *p, struct listener *l)
{
	for (unsigned i = 0; i < DATAGRAMS_PER_TURN; i++) {
		_Alignas(struct cmsghdr) char control[128];
		union proxy_address a = {.v6 = {0}};
		struct iovec iov = {.iov_base = p->buffer, .iov_len = DATAGRAM_MAX};
		struct msghdr m = {.msg_name = &a,
				   .msg_namelen = sizeof(a),
				   .msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(l->src.fd, &m, 0);
		struct flow *f;

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) /* a client that refused our answer; the socket goes on */
			continue;
		p->dirty = true;
		for (f = *bucket(p, &a, l->v6); f && !same_client(f, l, &a);)
			f = f->next_in_bucket;
		if (!f)
			f = flow_start(p, l, &a, m.msg_namelen);
		if (!f)
			continue;
		touch(p, f);
		if (l->any_address)
			note_local(f, &m);
		/* Nobody there or no room: lost, as datagrams are. Its network gone: the client's next one finds another. */
		if (send(f->src.fd, p->buffer, (size_t)n, MSG_NOSIGNAL) < 0 &&
		    (errno == EINVAL || errno == ENETUNREACH || errno == EHOSTUNREACH ||
		     errno == ENODEV || errno == EADDRNOTAVAIL || errno == ENXIO))
			flow_end(p, f);
	}
}

static void answer(struct proxy *p, struct flow *f, size_t n)
{
	_Alignas(struct cmsghdr) char control[128] = {0};
	struct iovec iov = {.iov_base = p->buffer, .iov_len = n};
	struct msghdr m = {.msg_name = &f->client,
			   .msg_namelen = f->client_len,
			   .msg_iov = &iov,
			   .msg_iovlen = 1};

	if (f->has_local) {
		bool v6 = f->listener->v6;
		size_t len = v6 ? sizeof(f->local.v6) : sizeof(f->local.v4);
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(len);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
		c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(len);
		memcpy(CMSG_DATA(c), &f->local, len);
	}
	(void)sendmsg(f->listener->src.fd, &m, MSG_NOSIGNAL);
}

void udp_event(struct proxy *p, struct source *s)
{
	struct flow *f = (void *)s; /* its first member */

	if (f->dead)
		return;
	for (unsigned i = 0; i < DATAGRAMS_PER_TURN; i++) {
		ssize_t n = recv(s->fd, p->buffer, DATAGRAM_MAX, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		/* No server there (yet), unless it listens over the other protocol only. */
		if (n < 0 && errno == ECONNREFUSED && !f->answered) {
			f->listener->to_v6 = !f->listener->to_v6;
			flow_end(p, f);
			return;
		}
		if (n < 0) /* the error is consumed by reading it */
			continue;
		p->dirty = true;
		f->answered = true;
		touch(p, f);
		answer(p, f, (size_t)n);
	}
}
