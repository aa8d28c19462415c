/* SPDX-License-Identifier: MIT */
/*
 * Theory: one TCP connection is two halves, half[0] to the host's client, half[1] to the container.
 * Bytes go from half[i] through the one shared buffer to half[!i]; what the other side does not take
 * at once is held and half[i] is not read again until it is gone. A little is copied to memory of its
 * own; with much the buffer itself is kept and another one becomes the shared one, since copying and
 * fresh pages would cost as much as the transfer. So each
 * direction has at most one read in flight, and a slow reader slows its writer down.
 * After a large read the bytes that follow go by page: spliced through the one shared pipe, which is
 * kept as the buffer is when the other side does not take all; a small splice ends that, since with few bytes
 * two system calls more cost more than a copy. That takes half of the processor's time that copying takes.
 * End of file on half[i] becomes shutdown(SHUT_WR) on half[!i] after the held bytes; an error on
 * either becomes a reset of both. A half that nothing is wanted from leaves the epoll set, because
 * EPOLLHUP cannot be masked.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/proxy_internal.h"
#include "pkg/base/auto.h"

#define ACCEPTS_PER_TURN 64

struct half {
	struct source src;
	struct conn *conn;
	unsigned char *held; /* read here, not yet written to the other half */
	struct proxy_pipe pipe; /* or the pipe that holds it */
	size_t held_at, held_len; /* 0: nothing is held */
	size_t held_size; /* memory it takes: PROXY_BUFFER when it is a whole buffer */
	bool bulk; /* the last read was large */
	bool bounded; /* bound_queue() has seen to what is written here */
	bool eof; /* nothing more comes from here */
	bool shut; /* and the other half was told */
};

struct conn {
	struct half half[2];
	struct conn *next_dead;
	union proxy_address client;
	uint16_t port; /* of the container */
	bool connected; /* half[1]; until then nothing is read */
	bool v6, tried_both; /* how it is connected to */
	bool dead;
};

static void drop_held(struct proxy *p, struct half *h)
{
	p->held -= h->held_size;
	if (h->held && h->held_size == PROXY_BUFFER) {
		proxy_buffer_put(p, h->held);
		h->held = NULL;
	}
	freep(&h->held);
	if (h->pipe.in >= 0 && h->held_len)
		proxy_pipe_close(p, &h->pipe);
	else if (h->pipe.in >= 0)
		proxy_pipe_put(p, &h->pipe);
	h->held_at = h->held_len = h->held_size = 0;
}

static void conn_close(struct proxy *p, struct conn *c, bool reset)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (c->dead)
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct half *h = &c->half[i];

		drop_held(p, h);
		if (reset && h->src.fd >= 0)
			(void)setsockopt(h->src.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		closep(&h->src.fd); /* leaves the epoll set with it: there is no other copy */
	}
	c->dead = true;
	c->next_dead = p->dead;
	p->dead = c;
	p->n_conns--;
}

void tcp_bury(struct proxy *p)
{
	while (p->dead) {
		struct conn *c = p->dead;

		p->dead = c->next_dead;
		free(c);
	}
}

/* Tell epoll what each half waits for now; closes the connection when it has nothing left to do. */
static void settle(struct proxy *p, struct conn *c)
{
	if (c->dead)
		return;
	if (c->half[0].shut && c->half[1].shut) {
		conn_close(p, c, false);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct half *h = &c->half[i];
		uint32_t want = 0;

		if (!c->connected)
			want = i == 1 ? EPOLLOUT : 0;
		else
			want = (!h->eof && !h->held_len ? EPOLLIN : 0U) |
			       (c->half[!i].held_len ? EPOLLOUT : 0U);
		if (proxy_watch(p, &h->src, want) < 0) {
			conn_close(p, c, true);
			return;
		}
	}
}

/* Pass an end of file on, once everything before it has been. */
static int pass_eof(struct half *from, struct half *to)
{
	if (!from->eof || from->held_len || from->shut)
		return 0;
	/* When the other way is over too, to close is to say so. */
	if (!to->shut && shutdown(to->src.fd, SHUT_WR) < 0)
		return -errno;
	from->shut = true;
	return 0;
}

/* Write what was held back from @from. */
static int flush(struct proxy *p, struct half *from, struct half *to)
{
	ssize_t n;

	if (!from->held_len)
		return 0;
	if (from->pipe.in >= 0)
		n = splice(from->pipe.out, NULL, to->src.fd, NULL, from->held_len,
			   SPLICE_F_NONBLOCK);
	else
		n = send(to->src.fd, from->held + from->held_at, from->held_len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	from->held_at += (size_t)n;
	from->held_len -= (size_t)n;
	if (from->held_len == 0)
		drop_held(p, from);
	return pass_eof(from, to);
}

/* Keep the @len bytes at @at of the shared buffer until the other half takes them. */
static int hold(struct proxy *p, struct half *h, size_t at, size_t len)
{
	unsigned char *other = len > PROXY_COPY_MAX ? proxy_buffer_get(p) : malloc(len);

	if (!other)
		return -ENOMEM;
	if (len > PROXY_COPY_MAX) {
		h->held = p->buffer;
		h->held_at = at;
		h->held_size = PROXY_BUFFER;
		p->buffer = other;
	} else {
		memcpy(other, p->buffer + at, len);
		h->held = other;
		h->held_size = len;
	}
	h->held_len = len;
	p->held += h->held_size;
	return 0;
}

/*
 * A stream to a client on this machine needs no queue of megabytes: there is no way on which they would be. With
 * as much as a buffer may be given, its pages are still in the processor's cache when the client copies them. For
 * others the kernel measures the way and makes the queue long enough.
 */
static void bound_queue(struct conn *c, struct half *to)
{
	const int size = PROXY_LOCAL_QUEUE;
	union proxy_address ours = {.v6 = {0}};
	socklen_t len = sizeof(ours);

	if (to->bounded)
		return;
	to->bounded = true;
	if (to == &c->half[0] && getsockname(to->src.fd, &ours.sa, &len) == 0 &&
	    proxy_same_address(&ours, &c->client))
		(void)setsockopt(to->src.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* From socket to socket by page. Return: 0 or -errno. */
static int pump_pages(struct proxy *p, struct half *from, struct half *to, struct proxy_pipe *pipe)
{
	ssize_t n = splice(from->src.fd, NULL, pipe->in, NULL, PROXY_PIPE, SPLICE_F_NONBLOCK), done;

	/* Also what splice() does not take but recv() does, an urgent byte, is the next read's. */
	from->bulk = n >= (ssize_t)PROXY_BULK;
	if (n <= 0) {
		int r = n == 0 || errno == EAGAIN || errno == EINTR ? 0 : -errno;

		proxy_pipe_put(p, pipe);
		from->eof = n == 0;
		return r < 0 ? r : pass_eof(from, to);
	}
	bound_queue(to->conn, to);
	done = splice(pipe->out, NULL, to->src.fd, NULL, (size_t)n, SPLICE_F_NONBLOCK);
	if (done == n) {
		proxy_pipe_put(p, pipe);
		return 0;
	}
	from->pipe = *pipe;
	from->held_len = (size_t)(n - (done > 0 ? done : 0));
	from->held_size = from->held_len;
	p->held += from->held_size;
	return done < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

static int pump(struct proxy *p, struct half *from, struct half *to)
{
	struct proxy_pipe pipe;
	size_t most = p->held < PROXY_HELD_MAX ? PROXY_BUFFER : PROXY_SMALL_READ;
	ssize_t n, done;

	p->dirty = true;
	if (from->bulk && p->held < PROXY_HELD_MAX && proxy_pipe_get(p, &pipe))
		return pump_pages(p, from, to, &pipe);
	n = recv(from->src.fd, p->buffer, most, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	from->bulk = n >= (ssize_t)PROXY_BULK;
	if (n == 0) {
		from->eof = true;
		return pass_eof(from, to);
	}
	done = send(to->src.fd, p->buffer, (size_t)n, MSG_NOSIGNAL);
	if (done < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	if (done == n)
		return 0;
	if (done < 0)
		done = 0;
	return hold(p, from, (size_t)done, (size_t)(n - done));
}

/* What comes in goes out at once. */
static void send_at_once(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void tcp_prepare(struct listener *l)
{
	const int on = 1;

	send_at_once(l->src.fd);
	/* A client that vanished is noticed some day; the container is on this machine, and cannot. */
	(void)setsockopt(l->src.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/*
 * Mostly the answer is there when the question has been asked, since the container's address is local here: the
 * second call tells it, where epoll would take four and a turn of the loop. Return: 1: connected; 0: not yet; or -errno.
 */
static int connect_local(int fd, const union proxy_address *to, socklen_t len)
{
	for (unsigned i = 0; i < 2; i++) {
		if (connect(fd, &to->sa, len) == 0)
			return 1;
		if (errno != EINPROGRESS && errno != EALREADY)
			return -errno;
	}
	return 0;
}

/* Begin to connect half[1]. Return: 0 or -errno. */
static int begin_connect(struct proxy *p, struct conn *c)
{
	struct half *h = &c->half[1];
	union proxy_address to;
	socklen_t len = proxy_target(p, c->v6, c->port, &to);
	int fd, r;

	if (!len)
		return -ECONNREFUSED;
	fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	closep(&h->src.fd); /* leaves the epoll set with it */
	h->src.fd = fd;
	h->src.interest = 0;
	send_at_once(fd);
	if (p->paces)
		proxy_do_not_pace(fd);
	proxy_show_client(p, fd, &c->client, &to);
	r = connect_local(fd, &to, len);
	c->connected = r > 0;
	return r < 0 ? r : 0;
}

/* What refuses over one protocol may listen over the other only. */
static int try_other(struct proxy *p, struct conn *c)
{
	if (c->tried_both)
		return -ECONNREFUSED;
	c->tried_both = true;
	c->v6 = !c->v6;
	return begin_connect(p, c);
}

static int try_connect(struct proxy *p, struct conn *c)
{
	int r = begin_connect(p, c);

	return r < 0 ? try_other(p, c) : r;
}

static int finish_connect(struct proxy *p, struct conn *c)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(c->half[1].src.fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		return -errno;
	if (e)
		return try_other(p, c);
	c->connected = true;
	return 0;
}

void tcp_event(struct proxy *p, struct source *s, uint32_t events)
{
	struct half *h = (void *)s; /* its first member */
	struct conn *c = h->conn;
	struct half *other = &c->half[h == &c->half[0]];
	int r = 0;

	if (c->dead)
		return;
	if (!c->connected)
		r = finish_connect(p, c);
	else if (events & EPOLLERR)
		r = -ECONNRESET;
	if (r == 0 && c->connected && (events & EPOLLOUT))
		r = flush(p, other, h);
	if (r == 0 && c->connected && (events & (EPOLLIN | EPOLLHUP)) && !h->eof && !h->held_len)
		r = pump(p, h, other);
	if (r < 0)
		conn_close(p, c, true); /* refused or reset on one side is a reset on the other */
	settle(p, c);
}

static void conn_start(struct proxy *p, const struct listener *l, int client,
		       const union proxy_address *from)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		(void)setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		closep(&client);
		return;
	}
	p->n_conns++;
	c->port = l->port;
	c->client = *from;
	c->v6 = proxy_prefers_v6(p, from);
	for (unsigned i = 0; i < 2; i++) {
		c->half[i].conn = c;
		c->half[i].pipe = PROXY_NO_PIPE;
		c->half[i].src = (struct source){.kind = SOURCE_HALF, .fd = i ? -EBADF : client};
	}
	/* Who speaks first has often done so. */
	if (try_connect(p, c) < 0 || (c->connected && pump(p, &c->half[0], &c->half[1]) < 0))
		conn_close(p, c, true);
	settle(p, c);
}

void tcp_accept(struct proxy *p, struct listener *l)
{
	for (unsigned i = 0; i < ACCEPTS_PER_TURN && !p->paused; i++) {
		union proxy_address from = {.v6 = {0}};
		socklen_t len = sizeof(from);
		int fd;

		if (p->n_conns >= p->max_conns) {
			p->paused = true;
			return;
		}
		fd = accept4(l->src.fd, &from.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			conn_start(p, l, fd, &from);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			p->paused = true;
		else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}
