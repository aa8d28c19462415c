/* SPDX-License-Identifier: MIT */
/* The host's side of published ports: sockets, and why one cannot be had. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/port_holder.h"
#include "net/ports.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_address(const struct net_port *p, bool want_v6, uint16_t port,
			      union address *ret)
{
	*ret = (union address){.v6 = {0}};
	if (want_v6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		if (!p->any_family)
			(void)inet_pton(AF_INET6, p->host_ip, &ret->v6.sin6_addr);
		return sizeof(ret->v6);
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(port);
	(void)inet_pton(AF_INET, p->host_ip, &ret->v4.sin_addr);
	return sizeof(ret->v4);
}

/* One socket on @port (0: any). Returns it or -errno, no trail. */
static int try_bind(const struct net_port *p, bool want_v6, uint16_t port)
{
	int type = (p->proto == NET_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
	AUTO_CLOSE int fd = socket(want_v6 ? AF_INET6 : AF_INET, type, 0);
	int on = 1, v6only = !p->any_family;
	union address a;
	socklen_t len;

	if (fd < 0)
		return -errno;
	if (want_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -errno;
	/* TCP only: connections of the last run in TIME_WAIT do not count. UDP would share the port. */
	if (p->proto == NET_TCP && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	len = make_address(p, want_v6, port, &a);
	if (bind(fd, &a.sa, len) < 0)
		return -errno;
	if (p->proto == NET_TCP && listen(fd, SOMAXCONN) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int bind_one(const struct net_port *p, uint16_t port)
{
	int fd;

	if (!p->any_family)
		return try_bind(p, strchr(p->host_ip, ':') != NULL, port);
	fd = try_bind(p, true, port);
	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) /* a host without IPv6 */
		fd = try_bind(p, false, port);
	return fd;
}

void net_port_where(const struct net_port *p, char out[NET_PORT_WHERE])
{
	(void)snprintf(out, NET_PORT_WHERE, strchr(p->host_ip, ':') ? "[%s]:%u/%s" : "%s:%u/%s",
		       p->host_ip, p->host_port, p->proto == NET_TCP ? "tcp" : "udp");
}

uint32_t net_first_open_port(void)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	uint32_t first;

	return f && fscanf(f, "%u", &first) == 1 ? first : 1024;
}

static int explain(const struct net_port_list *l, unsigned at, int r)
{
	const struct net_port *p = &l->v[at];
	char where[NET_PORT_WHERE];
	struct net_holder h;

	net_port_where(p, where);
	if (r == -EADDRINUSE) {
		for (unsigned i = 0; i < at; i++)
			if (l->v[i].host_port == p->host_port && l->v[i].proto == p->proto)
				return err_new(r, "publish %s: named twice", where);
		if (p->host_port_last)
			return err_new(r, "publish %s: no free port up to %u", where,
				       p->host_port_last);
		if (net_port_holder(p->proto, p->host_port, &h))
			return h.pid ? err_new(r, "publish %s: process %d (%s) listens there",
					       where, (int)h.pid, h.name)
				     : err_new(r, "publish %s: a process of uid %u listens there",
					       where, h.uid);
	}
	if (r == -EACCES && p->host_port) {
		uint32_t first = net_first_open_port();

		if (p->host_port < first)
			return err_new(
				r,
				"publish %s: ports below %u are the administrator's; as root: "
				"sysctl net.ipv4.ip_unprivileged_port_start=%u",
				where, first, p->host_port);
	}
	if (r == -EADDRNOTAVAIL)
		return err_new(r, "publish %s: no address of this host", where);
	return err_new(r, "publish %s", where);
}

static int bind_port(struct net_port *p)
{
	uint32_t last = p->host_port_last ? p->host_port_last : p->host_port;
	union address a;
	socklen_t len = sizeof(a);
	int fd = -EADDRINUSE;

	if (!p->host_port && p->host_port_wish)
		fd = bind_one(p, p->host_port_wish);
	for (uint32_t port = p->host_port; port <= last && fd == -EADDRINUSE; port++)
		fd = bind_one(p, (uint16_t)port);
	if (fd < 0)
		return fd;
	if (getsockname(fd, &a.sa, &len) < 0) {
		int r = -errno;

		closep(&fd);
		return r;
	}
	p->host_port = ntohs(a.sa.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
	p->host_port_last = 0;
	return fd;
}

int net_ports_bind(struct net_port_list *l, int *ret_fds)
{
	for (unsigned i = 0; i < l->n; i++) {
		int fd = bind_port(&l->v[i]);

		if (fd < 0) {
			l->failed = i;
			fd = explain(l, i, fd);
			while (i-- > 0)
				closep(&ret_fds[i]);
			return fd;
		}
		ret_fds[i] = fd;
	}
	return 0;
}
