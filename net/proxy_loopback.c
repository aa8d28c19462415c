/* SPDX-License-Identifier: MIT */
/*
 * Theory: what the proxy and a server inside send to each other goes over the loopback device of the
 * container's network, which cuts a stream into segments of 64 kB as if a wire came after it. None does:
 * with segments of eight times that length ("BIG TCP") each byte costs less of protocol, wake-ups and
 * queues, and published ports carry half as much again. The host's loopback device, where the
 * clients are, belongs to root and stays as it is.
 * Linux before 5.19 refuses, before 6.3 does it for IPv6 only; then all is as it was.
 *
 * Nor is anything lost on that way, and nothing is to be paced (net/plan.h): not what goes in, should the container
 * have been given such a control, nor what goes to clients on this machine.
 */
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "net/proxy_internal.h"
#include "net/proxy_netlink.h"
#include "pkg/base/auto.h"

#define SEGMENT_MAX 524280U /* the kernel's own limit: GSO_MAX_SIZE */
#define GSO_IPV4_MAX_SIZE 63 /* IFLA_GSO_IPV4_MAX_SIZE, which is younger than the oldest headers */

static bool paces(int fd)
{
	char name[16] = "";
	socklen_t len = sizeof(name) - 1;

	return getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0 &&
	       net_congestion_paces(name);
}

void proxy_do_not_pace(int fd)
{
	if (paces(fd))
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, NET_CONGESTION_LOCAL,
				 strlen(NET_CONGESTION_LOCAL));
}

static void widen(void)
{
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct proxy_request q = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(q.body.link)), .nlmsg_type = RTM_SETLINK},
		.body.link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex("lo")}};

	proxy_request_put(&q, IFLA_GSO_MAX_SIZE, SEGMENT_MAX);
	proxy_request_put(&q, GSO_IPV4_MAX_SIZE, SEGMENT_MAX);
	if (fd >= 0 && q.body.link.ifi_index)
		(void)proxy_request_send(fd, &q);
}

void proxy_loopback_init(struct proxy *p)
{
	AUTO_CLOSE int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	widen();
	p->paces = one >= 0 && paces(one);
}
