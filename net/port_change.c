/* SPDX-License-Identifier: MIT */
#include "net/port_change.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "net/proxy_internal.h"
#include "pkg/base/err.h"
#include "pkg/sys/socket.h"

#define ANSWER_MS 5000

void net_port_change_of(const struct net_port *p, bool add, struct net_port_change *ret)
{
	*ret = (struct net_port_change){.add = add,
					.proto = (uint8_t)p->proto,
					.any_family = p->any_family,
					.v6 = strchr(p->host_ip, ':') != NULL,
					.host_port = p->host_port,
					.container_port = p->container_port};
	(void)inet_pton(ret->v6 ? AF_INET6 : AF_INET, p->host_ip, ret->address);
}

bool net_port_change_check(const struct net_port_change *c)
{
	return c->add <= 1 && c->proto <= NET_UDP && c->any_family <= 1 && c->v6 <= 1 &&
	       c->host_port && c->container_port;
}

bool net_port_change_is(const struct net_port_change *c, int fd)
{
	static const uint8_t zero[16];
	union proxy_address a = {.v6 = {0}};
	socklen_t len = sizeof(a), type_len;
	bool six;
	int type = 0;

	type_len = sizeof(type);
	if (getsockname(fd, &a.sa, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0 ||
	    (type == SOCK_DGRAM) != (c->proto == NET_UDP))
		return false;
	six = a.sa.sa_family == AF_INET6;
	if (ntohs(six ? a.v6.sin6_port : a.v4.sin_port) != c->host_port)
		return false;
	if (c->any_family)
		return memcmp(six ? (void *)&a.v6.sin6_addr : (void *)&a.v4.sin_addr, zero,
			      six ? 16 : 4) == 0;
	return six == (c->v6 == 1) && memcmp(six ? (void *)&a.v6.sin6_addr : (void *)&a.v4.sin_addr,
					     c->address, six ? 16 : 4) == 0;
}

int net_proxy_change(int ctl, const struct net_port_change *c, int fd)
{
	struct pollfd p = {.fd = ctl, .events = POLLIN};
	int r, answer = 0;

	r = socket_send(ctl, c, sizeof(*c), &fd, c->add ? 1 : 0);
	if (r < 0)
		return err_new(r, "talk to the port proxy");
	do {
		r = poll(&p, 1, ANSWER_MS);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return err_new(-ETIMEDOUT, "talk to the port proxy");
	if (socket_recv(ctl, &answer, sizeof(answer), NULL, 0, NULL) != sizeof(answer))
		return err_new(-CE_PROTOCOL, "talk to the port proxy");
	if (answer == -ENOENT)
		return answer;
	return answer < 0 ? err_new(answer, "publish a port") : 0;
}

/* --- the proxy's side --------------------------------------------------------------------------- */

static struct listener *find(struct proxy *p, const struct net_port_change *c)
{
	for (struct listener *l = p->first; l; l = l->next)
		if (l->src.fd >= 0 && net_port_change_is(c, l->src.fd))
			return l;
	return NULL;
}

static int change(struct proxy *p, const struct net_port_change *c, int *fd)
{
	struct listener *l;

	if (!net_port_change_check(c) || (c->add == 1) != (*fd >= 0))
		return -EINVAL;
	if (c->add)
		return proxy_listen(p, fd, (enum net_proto)c->proto, c->container_port);
	l = find(p, c);
	if (!l)
		return -ENOENT;
	proxy_unlisten(p, l);
	return 0;
}

void proxy_control(struct proxy *p)
{
	struct net_port_change c;
	int fd = -EBADF, answer;
	ssize_t n = socket_recv(p->control.fd, &c, sizeof(c), &fd, 1, NULL);

	if (n == -EAGAIN)
		return;
	if (n != sizeof(c)) {
		if (n <= 0) /* the monitor is gone, and so are we in a moment */
			(void)proxy_watch(p, &p->control, 0);
		closep(&fd);
		return;
	}
	answer = change(p, &c, &fd);
	closep(&fd);
	(void)socket_send(p->control.fd, &answer, sizeof(answer), NULL, 0);
}
