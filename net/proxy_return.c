/* SPDX-License-Identifier: MIT */
/*
 * Theory: a server inside sees its client's true address
 *
 * The proxy's connection into the container is made from the client's address (a transparent socket)
 * and carries a mark. What the server answers must come back to the proxy and not go out to that
 * address: the server's socket takes the mark over with the connection (tcp_fwmark_accept), the
 * kernel's own answers such as a refusal do so too (fwmark_reflect), and what is marked is routed to
 * the loopback device, where it meets the transparent socket. Nothing else of the container carries
 * the mark, so nothing else is routed differently. UDP servers answer from a
 * socket without a mark: they see the container's own address.
 * A client on the host's loopback keeps being shown as the container's own address, too: 127.0.0.1
 * would be the server's own localhost (N04).
 */
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "net/ports.h"
#include "net/proxy_internal.h"
#include "net/proxy_netlink.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/procfs.h"

#define MARK 0x63756464U
#define TABLE 0x63756464U
#define NEW (NLM_F_CREATE | NLM_F_EXCL)
#define PRIORITY 1000U /* after the local table, before main */

/* What is marked is local, whatever its address. */
static bool route_back(int fd, unsigned char family, unsigned lo)
{
	struct proxy_request rule = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(rule.body.rule)),
					      .nlmsg_type = RTM_NEWRULE,
					      .nlmsg_flags = NEW},
				     .body.rule = {.family = family, .action = FR_ACT_TO_TBL}};
	struct proxy_request route = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(route.body.route)),
					       .nlmsg_type = RTM_NEWROUTE,
					       .nlmsg_flags = NEW},
				      .body.route = {.rtm_family = family,
						     .rtm_protocol = RTPROT_STATIC,
						     .rtm_scope = RT_SCOPE_HOST,
						     .rtm_type = RTN_LOCAL}};

	proxy_request_put(&rule, FRA_PRIORITY, PRIORITY);
	proxy_request_put(&rule, FRA_FWMARK, MARK);
	proxy_request_put(&rule, FRA_TABLE, TABLE);
	proxy_request_put(&route, RTA_TABLE, TABLE);
	proxy_request_put(&route, RTA_OIF, lo);
	return proxy_request_send(fd, &rule) && proxy_request_send(fd, &route);
}

#define FWMARK_ACCEPT "sys/net/ipv4/tcp_fwmark_accept"

/* @proc: as procfs_open_host() had it; what lies there is of our own network namespace. */
static bool switch_on(int proc, const char *path)
{
	if (proc >= 0 && procfs_write(proc, path, "1") == 0)
		return true;
	err_drop();
	return false;
}

bool net_shows_clients(void)
{
	return access("/proc/" FWMARK_ACCEPT, F_OK) == 0;
}

void proxy_return_init(struct proxy *p)
{
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE),
		       proc = procfs_open_host();
	unsigned lo = if_nametoindex("lo");

	/* A namespace that is not ours to administer: clients are then shown as before. */
	if (fd < 0 || !lo || !switch_on(proc, FWMARK_ACCEPT) ||
	    !switch_on(proc, "sys/net/ipv4/fwmark_reflect"))
		return;
	p->shows4 = route_back(fd, AF_INET, lo);
	p->shows6 = p->shows4 && switch_on(proc, "sys/net/ipv6/fwmark_reflect") &&
		    route_back(fd, AF_INET6, lo);
}

/* The client's address as the container may see it. */
static bool true_address(const union proxy_address *client, bool v6, union proxy_address *ret)
{
	const struct in6_addr *a6 = &client->v6.sin6_addr;

	if (client->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(a6)) {
		ret->v4 = (struct sockaddr_in){.sin_family = AF_INET,
					       .sin_port = client->v6.sin6_port};
		memcpy(&ret->v4.sin_addr, a6->s6_addr + 12, 4);
	} else {
		*ret = *client;
	}
	if ((ret->sa.sa_family == AF_INET6) != v6)
		return false;
	if (v6)
		return !IN6_IS_ADDR_LOOPBACK(a6) && !IN6_IS_ADDR_LINKLOCAL(a6);
	return ntohl(ret->v4.sin_addr.s_addr) >> 24 != 127;
}

bool proxy_prefers_v6(struct proxy *p, const union proxy_address *client)
{
	union proxy_address a, to;

	return p->shows6 && true_address(client, true, &a) && proxy_target(p, true, 1, &to) &&
	       !IN6_IS_ADDR_LINKLOCAL(&to.v6.sin6_addr);
}

void proxy_show_client(const struct proxy *p, int fd, const union proxy_address *client,
		       const union proxy_address *to)
{
	const bool v6 = to->sa.sa_family == AF_INET6;
	const uint32_t mark = MARK;
	const int on = 1;
	union proxy_address a;

	if (v6 && IN6_IS_ADDR_LINKLOCAL(&to->v6.sin6_addr))
		return;
	if (!(v6 ? p->shows6 : p->shows4) || !true_address(client, v6, &a))
		return;
	if (proxy_same_address(&a, to))
		return; /* pasta's container has the host's address itself */
	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT,
		       &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a.sa, v6 ? sizeof(a.v6) : sizeof(a.v4)) == 0)
		return;
	/* Its port is still taken by a connection that has just ended. */
	*(v6 ? &a.v6.sin6_port : &a.v4.sin_port) = 0;
	(void)bind(fd, &a.sa, v6 ? sizeof(a.v6) : sizeof(a.v4));
}
