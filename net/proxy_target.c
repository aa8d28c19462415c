/* SPDX-License-Identifier: MIT */
/*
 * Where connections of the proxy go: an address of the container's device, never its loopback (N04).
 * IPv4 first; what refuses there is tried at an IPv6 address, which may appear long after the start
 * (router advertisement). Networks come and go while it runs: an address is looked up when it is needed,
 * at most once a second, and one that is still there stays.
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

/*
 * The first address of a device that is up and no loopback; for IPv6 a global one where there is one. @had, if not
 * NULL, is preferred to its like.
 */
static bool find_address(int family, const union proxy_address *had, union proxy_address *ret)
{
	union proxy_address best = {.sa.sa_family = AF_UNSPEC}, a = best;
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return false;
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		bool better;

		if (!i->ifa_addr || i->ifa_addr->sa_family != family ||
		    (i->ifa_flags & IFF_LOOPBACK) || !(i->ifa_flags & IFF_UP))
			continue;
		memcpy(&a, i->ifa_addr, family == AF_INET ? sizeof(a.v4) : sizeof(a.v6));
		if (best.sa.sa_family == AF_UNSPEC)
			better = true;
		else if (family == AF_INET6 && is_global(&a.v6) != is_global(&best.v6))
			better = is_global(&a.v6);
		else
			better = had && proxy_same_address(&a, had);
		if (better)
			best = a;
	}
	freeifaddrs(all);
	if (best.sa.sa_family != AF_UNSPEC)
		*ret = best;
	return best.sa.sa_family != AF_UNSPEC;
}

bool proxy_target_init(struct proxy *p, const struct net_plan *n)
{
	if (n->mode == NET_SLIRP) {
		p->target4.v4 = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr = net_plan_address(n, NET_SLIRP_TAP)};
		p->has_target4 = p->fixed4 = true;
	} else {
		p->has_target4 = find_address(AF_INET, NULL, &p->target4);
	}
	/* Who was taken out of its networks may be put into others later. */
	return p->has_target4 || find_address(AF_INET6, NULL, &p->target6) || n->mode == NET_BRIDGE;
}

bool proxy_same_address(const union proxy_address *a, const union proxy_address *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

static void look_again(struct proxy *p, bool v6)
{
	union proxy_address *a = v6 ? &p->target6 : &p->target4;
	int64_t *looked_ns = v6 ? &p->looked6_ns : &p->looked4_ns;
	bool *has = v6 ? &p->has_target6 : &p->has_target4;

	if (*looked_ns && *looked_ns + LOOKUP_AGAIN_NS > p->now_ns)
		return;
	*has = find_address(v6 ? AF_INET6 : AF_INET, *has ? a : NULL, a);
	*looked_ns = p->now_ns;
}

socklen_t proxy_target(struct proxy *p, bool v6, uint16_t port, union proxy_address *ret)
{
	if (v6 || !p->fixed4)
		look_again(p, v6);
	if (!v6) {
		if (!p->has_target4)
			return 0;
		*ret = p->target4;
		ret->v4.sin_port = htons(port);
		return sizeof(ret->v4);
	}
	if (!p->has_target6)
		return 0;
	*ret = p->target6;
	ret->v6.sin6_port = htons(port);
	return sizeof(ret->v6);
}
