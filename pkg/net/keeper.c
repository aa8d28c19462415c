/* SPDX-License-Identifier: MIT */
/* The loop: monitors come, ask, change their mind and go. */
#include "pkg/net/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "net/plan.h"
#include "net/resolver.h"
#include "pkg/net/egress.h"
#include "pkg/net/link.h"
#include "pkg/net/neighbour.h"
#include "pkg/net/uplink.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/socket.h"

#define UPLINK_MS 10000
#define LAST_LOOK_MS 20
#define FIRST_LOOK_NS (3 * NS_PER_S)

static bool is_unmasked6(const struct endpoint *e)
{
	return (e->net->flags & BRIDGE_UNMASKED) && !(e->net->flags & BRIDGE_INTERNAL) &&
	       e->ip6.family;
}

/* Does a container have it that is seen by its own address outside? @a NULL: any. */
static bool has_unmasked6(const void *keeper, const struct address *a)
{
	const struct keeper *k = keeper;

	for (unsigned i = 0; i < k->n_clients; i++)
		for (unsigned n = 0; n < k->clients[i].n; n++) {
			const struct endpoint *e = &k->clients[i].v[n];

			if (is_unmasked6(e) && (!a || address_equal(&e->ip6, a)))
				return true;
		}
	return false;
}

/* Listened for only where somebody needs it, as all that comes by the way out is looked at. */
static void tend_neighbours(struct keeper *k)
{
	bool want = k->uplink_ready && has_unmasked6(k, NULL);

	if (!want)
		closep(&k->neighbour_fd);
	else if (k->neighbour_fd < 0)
		k->neighbour_fd = neighbour_open(UPLINK_DEVICE);
	if (want && k->neighbour_fd < 0) {
		log_debug("net", "%s", err_trail());
		err_drop();
	}
}

/*
 * Names first: the monitor waits until we close, and tells the end of the container only then. Devices take
 * longer, and whoever comes meanwhile is served after them.
 */
static void client_close(struct keeper *k, struct client *c)
{
	unsigned n_networks = k->n_networks;
	struct client gone = *c;

	*c = k->clients[--k->n_clients];
	/* Without anybody who might ask it is not waited for; a guard's goes with it. */
	if (gone.n && k->n_clients)
		names_update(k);
	closep(&gone.fd);
	while (gone.n)
		endpoint_remove(k, &gone, gone.n - 1);
	egress_done(&gone);
	closep(&gone.netns);
	tend_neighbours(k);
	if (k->n_networks != n_networks && k->n_clients)
		names_update(k); /* gateways to listen at went too */
}

/* Where names are asked for over IPv6 alone slirp4netns's router advertisement is not waited for. */
static void give_address6(struct keeper *k)
{
	int index = link_index(UPLINK_DEVICE);
	struct address a;

	if (index > 0 && address_parse(NET_SLIRP_TAP6, &a) &&
	    link_add_address(k->nl, index, &a, 64) < 0) {
		log_debug("net", "%s", err_trail());
		err_drop();
	}
}

static void uplink_failed(struct keeper *k, const char *how)
{
	const char *program = k->uplink_is_pasta ? "pasta" : "slirp4netns";

	k->uplink_fails = true;
	(void)snprintf(k->warning, sizeof(k->warning),
		       "networks have no way out: %s %s (what it says, --network %s tells)", program,
		       how, program);
}

/* Readable once for each slirp4netns that came up; only the first is waited for. */
static void uplink_drain(struct keeper *k)
{
	char word[16];
	ssize_t n = read(k->ready_fd, word, sizeof(word));

	if (n <= 0)
		return;
	if (word[n - 1] == *UPLINK_FAILS) {
		uplink_failed(k, "ends as soon as it is started");
		return;
	}
	k->uplink_fails = false;
	k->uplink_ready = true;
	keeper_answer_for_containers();
	closep(&k->neighbour_fd); /* of the device before */
	tend_neighbours(k);
	if (!k->uplink_is_pasta && net_host_servers() == NET_SERVERS_IPV6)
		give_address6(k);
}

/* Not longer than @c is there: a keeper that waits for the way out of somebody who went would stay behind. */
static void uplink_wait(struct keeper *k, const struct client *c)
{
	struct pollfd p[] = {{.fd = k->ready_fd, .events = POLLIN},
			     {.fd = c->fd, .events = POLLRDHUP}};
	int n;

	if (k->ready_fd < 0 || k->uplink_ready || k->uplink_fails)
		return;
	n = poll(p, ARRAY_LEN(p), UPLINK_MS);
	if (n == 0)
		uplink_failed(k, "does not come up");
	else if (n > 0 && p[0].revents)
		uplink_drain(k);
}

static const struct bridge_attach *attach_of(const struct bridge_request *q, const char *name)
{
	for (unsigned i = 0; i < q->n; i++)
		if (strcmp(q->nets[i].name, name) == 0)
			return &q->nets[i];
	return NULL;
}

static struct endpoint *endpoint_of(struct client *c, const char *name)
{
	for (unsigned i = 0; i < c->n; i++)
		if (strcmp(c->v[i].net->name, name) == 0)
			return &c->v[i];
	return NULL;
}

/* What is asked for comes first: when that fails all is as before. */
static int satisfy(struct keeper *k, struct client *c, const struct bridge_request *q,
		   const char *lease)
{
	unsigned before = c->n;
	bool same = c->n > 0 && c->n == q->n;
	int r = egress_apply(k, c, q);

	if (r == 0 && k->guards) {
		free(c->servers);
		c->servers = endpoint_words(&q->servers);
	}

	for (unsigned i = 0; r == 0 && i < q->n; i++) {
		const struct bridge_attach *a = &q->nets[i];
		struct endpoint *e = endpoint_of(c, a->name);
		struct bridge_lease had;

		if (e)
			same = !endpoint_rename(e, q, a) && same;
		else
			r = endpoint_add(k, c, q, a,
					 bridge_lease_find(lease, a->name, &had) ? &had : NULL);
	}
	if (r < 0) {
		char words[512];

		(void)snprintf(words, sizeof(words), "%s", err_trail());
		while (c->n > before)
			endpoint_remove(k, c, c->n - 1);
		return err_set(r, words);
	}
	for (unsigned i = 0; i < c->n;) {
		if (attach_of(q, c->v[i].net->name))
			i++;
		else
			endpoint_remove(k, c, i);
	}
	if (endpoint_lead_out(k, c) < 0) {
		log_debug("net", "%s", err_trail());
		err_drop();
	}
	k->served = true;
	pool_arrived(k, c->id);
	names_update(k);
	for (unsigned i = 0; i < c->n; i++)
		if (!(c->v[i].net->flags & BRIDGE_INTERNAL))
			uplink_wait(k, c);
	tend_neighbours(k);
	/* Nothing was to be changed: "network reload", for what was taken away behind our back. */
	return same && before == c->n ? network_renew_rules(k) : 0;
}

/* False: the connection is over. */
static bool reply(struct keeper *k, const struct client *c, int code)
{
	size_t at;

	struct {
		struct keeper_reply head;
		char text[BRIDGE_LEASE_MAX];
	} m = {.head = {.code = code}};

	if (code < 0)
		(void)snprintf(m.text, sizeof(m.text), "%s", err_trail());
	for (unsigned i = 0; code == 0 && i < c->n; i++)
		if (!bridge_lease_put(&c->v[i].lease, m.text, sizeof(m.text)))
			return false;
	/* After the lines of the lease, said once. */
	at = strlen(m.text);
	if (code == 0 && *k->warning && at + sizeof(k->warning) + 4 < sizeof(m.text)) {
		(void)snprintf(m.text + at, sizeof(m.text) - at, "! %s\n", k->warning);
		k->warning[0] = '\0';
	}
	m.head.len = (uint32_t)strlen(m.text);
	return socket_send(c->fd, &m, sizeof(m.head) + m.head.len, NULL, 0) == 0;
}

/* Somebody asks how often a container was refused: its id is all he says. */
static bool reply_refused(const struct keeper *k, const struct client *c, const char *id)
{
	struct {
		struct keeper_reply head;
		char text[512];
	} m = {.head = {.code = 0}};
	uint64_t n = 0;

	m.head.code = egress_refused(k, id, &n);
	(void)snprintf(m.text, sizeof(m.text), "%llu", (unsigned long long)n);
	if (m.head.code < 0)
		(void)snprintf(m.text, sizeof(m.text), "%s", err_trail());
	err_drop();
	m.head.len = (uint32_t)strlen(m.text);
	return socket_send(c->fd, &m, sizeof(m.head) + m.head.len, NULL, 0) == 0;
}

static int take_request(struct keeper *k, struct client *c, const char *body,
			const struct keeper_head *h)
{
	AUTO_FREE struct bridge_request *q = xcalloc(1, sizeof(*q));
	int r = bridge_request_decode(body, h->request_len, q);

	if (r < 0)
		return r;
	if (strlen(q->id) >= sizeof(c->id) || (*c->id && strcmp(c->id, q->id) != 0))
		return err_new(-CE_PROTOCOL, "a container's id");
	(void)snprintf(c->id, sizeof(c->id), "%s", q->id);
	return satisfy(k, c, q, body + h->request_len);
}

static bool anybody_is_placed(const struct keeper *k)
{
	for (unsigned i = 0; i < k->n_clients; i++)
		if (k->clients[i].n)
			return true;
	return false;
}

static bool client_speaks(struct keeper *k, struct client *c)
{
	static struct {
		struct keeper_head head;
		char body[BRIDGE_REQUEST_MAX + BRIDGE_LEASE_MAX + 1];
	} m;
	int fds[1] = {-EBADF}, r;
	unsigned n_fds = 0;
	ssize_t n = socket_recv(c->fd, &m, sizeof(m) - 1, fds, 1, &n_fds);

	if (n == -EAGAIN || n == -EINTR)
		return true;
	if (n_fds) {
		closep(&c->netns);
		c->netns = fds[0];
	}
	if (n < (ssize_t)sizeof(m.head) || (c->netns < 0 && m.head.request_len) ||
	    (size_t)n != sizeof(m.head) + (size_t)m.head.request_len + m.head.lease_len)
		return false;
	m.body[(size_t)n - sizeof(m.head)] = '\0';
	if (m.head.request_len == 0)
		return reply_refused(k, c, m.body);
	r = take_request(k, c, m.body, &m.head);
	if (r < 0)
		log_debug("net", "%s", err_message(r));
	if (r == -EPERM)
		k->useless = !anybody_is_placed(k);
	return reply(k, c, r);
}

/* True: somebody came. */
static bool client_accept(struct keeper *k)
{
	AUTO_CLOSE int fd = accept4(k->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd < 0 || socket_peer_is_us(fd) < 0)
		return false;
	if (k->n_clients == k->max_clients) {
		k->max_clients = k->max_clients ? 2 * k->max_clients : 16;
		k->clients = xreallocarray(k->clients, k->max_clients, sizeof(*k->clients));
	}
	c = &k->clients[k->n_clients++];
	memset(c, 0, sizeof(*c));
	c->fd = TAKE_FD(fd);
	c->netns = -EBADF;
	return true;
}

/*
 * Nobody is connected. With start.lock nobody is about to count on us either; who connected before we had
 * it waits in the queue.
 */
static bool may_end(struct keeper *k)
{
	/* Nobody but its container's monitor needs a guard, and its directory may be gone. */
	AUTO_CLOSE int lock = k->guards ? -EBADF
					: lock_try_open(k->dir, KEEPER_START, LOCK_EXCLUSIVE);

	/* So may ours, as when a session ends and takes the user's runtime directory along: nobody finds us any more. */
	if (lock < 0 && lock != -ENOENT && !k->guards) {
		err_drop();
		return false;
	}
	err_drop();
	if (client_accept(k))
		return false;
	(void)unlinkat(k->dir, KEEPER_SOCKET, 0);
	closep(&k->listen_fd);
	return true;
}

int keeper_serve(struct keeper *k)
{
	/* Who had us started may have done so for another, who comes a moment later. */
	const int64_t patience_ns = clock_monotonic_ns() + FIRST_LOOK_NS;
	AUTO_FREE struct pollfd *p = NULL;

	for (;;) {
		unsigned n = k->n_clients;

		if (n == 0 && (k->served || clock_monotonic_ns() >= patience_ns) && may_end(k))
			return 0;
		if (k->useless) { /* who waits in the queue reads the end, and has another started */
			(void)unlinkat(k->dir, KEEPER_SOCKET, 0);
			return 0;
		}
		n = k->n_clients;
		p = xreallocarray(p, n + 4, sizeof(*p));
		p[0] = (struct pollfd){.fd = k->listen_fd, .events = POLLIN};
		p[1] = (struct pollfd){.fd = k->names_fd, .events = POLLIN};
		p[2] = (struct pollfd){.fd = k->ready_fd, .events = POLLIN};
		p[3] = (struct pollfd){.fd = k->neighbour_fd, .events = POLLIN};
		for (unsigned i = 0; i < n; i++)
			p[4 + i] = (struct pollfd){.fd = k->clients[i].fd, .events = POLLIN};
		if (poll(p, n + 4, n ? -1 : LAST_LOOK_MS) < 0 && errno != EINTR)
			return err_new(-errno, "poll");
		if (p[1].revents && k->names_fd >= 0 && !names_speaks(k)) {
			closep(&k->names_fd);
			names_update(k);
		}
		if (p[2].revents)
			uplink_drain(k);
		if (p[3].revents && neighbour_answer(k->neighbour_fd, has_unmasked6, k) < 0)
			closep(&k->neighbour_fd); /* until there is a way out again */
		/* Backwards: who leaves is replaced by the last. */
		for (unsigned i = n; i-- > 0;)
			if (p[4 + i].revents && !client_speaks(k, &k->clients[i]))
				client_close(k, &k->clients[i]);
		(void)client_accept(k);
	}
}
