/* SPDX-License-Identifier: MIT */
/*
 * Where connections of the proxy go: an address of the container's device, never its loopback (N04).
 * IPv4 first; what refuses there is tried at an IPv6 address, which may appear long after the start
 * (router advertisement) and is therefore looked up when it is needed.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "net/proxy_internal.h"

#define LOOKUP_AGAIN_NS (1000LL * 1000000LL)

static bool is_global(const struct sockaddr_in6 *a)
{
	return !IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr);
}

/* The first address of a device that is up and no loopback; for IPv6 a global one where there is one. */
static bool find_address(int family, union proxy_address *ret)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != family ||
		    (i->ifa_flags & IFF_LOOPBACK) || !(i->ifa_flags & IFF_UP))
			continue;
		if (family == AF_INET && !found)
			memcpy(&ret->v4, i->ifa_addr, sizeof(ret->v4));
		if (family == AF_INET6 &&
		    (!found || (is_global((void *)i->ifa_addr) && !is_global(&ret->v6))))
			memcpy(&ret->v6, i->ifa_addr, sizeof(ret->v6));
		found = true;
	}
	freeifaddrs(all);
	return found;
}

bool proxy_target_init(struct proxy *p, const struct net_plan *n)
{
	if (n->mode == NET_SLIRP) {
		p->target4.v4 = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr = net_plan_address(n, NET_SLIRP_TAP)};
		p->has_target4 = true;
	} else {
		p->has_target4 = find_address(AF_INET, &p->target4);
	}
	return p->has_target4 || find_address(AF_INET6, &p->target6);
}

bool proxy_same_address(const union proxy_address *a, const union proxy_address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

socklen_t proxy_target(struct proxy *p, bool v6, uint16_t port, union proxy_address *ret)
{
	if (!v6) {
		if (!p->has_target4)
			return 0;
		*ret = p->target4;
		ret->v4.sin_port = htons(port);
		return sizeof(ret->v4);
	}
	if (!p->looked_ns || p->looked_ns + LOOKUP_AGAIN_NS <= p->now_ns) {
		p->has_target6 = find_address(AF_INET6, &p->target6);
		p->looked_ns = p->now_ns;
	}
	if (!p->has_target6)
		return 0;
	*ret = p->target6;
	ret->v6.sin6_port = htons(port);
	return sizeof(ret->v6);
}
