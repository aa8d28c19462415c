/* SPDX-License-Identifier: MIT */
#include "pkg/net/link.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "pkg/base/err.h"
#include "pkg/sys/random.h"

#define MESSAGE_MAX 4096

struct message {
	char buf[MESSAGE_MAX];
	struct nlmsghdr *h;
};

int link_open(struct mnl_socket **ret)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		int e = errno;

		link_close(nl);
		return err_new(-e, "netlink");
	}
	*ret = nl;
	return 0;
}

void link_close(struct mnl_socket *nl)
{
	if (nl)
		(void)mnl_socket_close(nl);
}

static void begin(struct message *m, uint16_t type, uint16_t flags)
{
	static uint32_t seq;

	if (!seq)
		seq = (uint32_t)time(NULL);
	m->h = mnl_nlmsg_put_header(m->buf);
	m->h->nlmsg_type = type;
	m->h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	m->h->nlmsg_seq = ++seq;
}

static struct ifinfomsg *begin_link(struct message *m, uint16_t type, uint16_t flags)
{
	struct ifinfomsg *i;

	begin(m, type, flags);
	i = mnl_nlmsg_put_extra_header(m->h, sizeof(*i));
	return i;
}

/* Send, and read until the acknowledgement; @cb sees what comes before it. */
static int talk(struct mnl_socket *nl, struct message *m, mnl_cb_t cb, void *data)
{
	uint32_t seq = m->h->nlmsg_seq;
	unsigned port = mnl_socket_get_portid(nl);
	ssize_t n;
	int r = 1;

	if (mnl_socket_sendto(nl, m->h, m->h->nlmsg_len) < 0)
		return -errno;
	while (r > 0) {
		n = mnl_socket_recvfrom(nl, m->buf, sizeof(m->buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = mnl_cb_run(m->buf, (size_t)n, seq, port, cb, data);
	}
	return r < 0 ? -errno : 0;
}

int link_index(const char *name)
{
	unsigned i = if_nametoindex(name);

	return i ? (int)i : -ENODEV;
}

void link_choose_mac(unsigned char ret[6])
{
	random_bytes(ret, 6);
	ret[0] = (unsigned char)((ret[0] & 0xfc) | 2);
}

int link_add_bridge(struct mnl_socket *nl, const char *name, unsigned mtu,
		    const unsigned char mac[6])
{
	struct message m;
	struct ifinfomsg *i = begin_link(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;
	int r;

	i->ifi_flags = i->ifi_change = IFF_UP;
	mnl_attr_put_strz(m.h, IFLA_IFNAME, name);
	mnl_attr_put(m.h, IFLA_ADDRESS, 6, mac);
	if (mtu)
		mnl_attr_put_u32(m.h, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(m.h, IFLA_LINKINFO);
	mnl_attr_put_strz(m.h, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(m.h, info);
	r = talk(nl, &m, NULL, NULL);
	return r < 0 ? err_new(r, "make the bridge %s", name) : 0;
}

int link_add_veth(struct mnl_socket *nl, const struct link_veth *v)
{
	struct message m;
	struct ifinfomsg *i = begin_link(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *peer;
	int r;

	i->ifi_flags = i->ifi_change = IFF_UP;
	mnl_attr_put_strz(m.h, IFLA_IFNAME, v->name);
	mnl_attr_put_u32(m.h, IFLA_MASTER, (uint32_t)v->master);
	if (v->mtu)
		mnl_attr_put_u32(m.h, IFLA_MTU, v->mtu);
	info = mnl_attr_nest_start(m.h, IFLA_LINKINFO);
	mnl_attr_put_strz(m.h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(m.h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(m.h, VETH_INFO_PEER);
	(void)mnl_nlmsg_put_extra_header(m.h, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m.h, IFLA_IFNAME, v->peer_name);
	if (v->mtu)
		mnl_attr_put_u32(m.h, IFLA_MTU, v->mtu);
	if (v->mac)
		mnl_attr_put(m.h, IFLA_ADDRESS, 6, v->mac);
	mnl_attr_put_u32(m.h, IFLA_NET_NS_FD, (uint32_t)v->peer_netns);
	mnl_attr_nest_end(m.h, peer);
	mnl_attr_nest_end(m.h, data);
	mnl_attr_nest_end(m.h, info);
	r = talk(nl, &m, NULL, NULL);
	return r < 0 ? err_new(r, "make the device %s", v->peer_name) : 0;
}

int link_isolate(struct mnl_socket *nl, int index)
{
	struct message m;
	struct ifinfomsg *i = begin_link(&m, RTM_NEWLINK, 0);
	struct nlattr *info, *data;
	int r;

	i->ifi_index = index;
	info = mnl_attr_nest_start(m.h, IFLA_LINKINFO);
	mnl_attr_put_strz(m.h, IFLA_INFO_SLAVE_KIND, "bridge");
	data = mnl_attr_nest_start(m.h, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(m.h, IFLA_BRPORT_ISOLATED, 1);
	mnl_attr_nest_end(m.h, data);
	mnl_attr_nest_end(m.h, info);
	r = talk(nl, &m, NULL, NULL);
	return r < 0 ? err_new(r, "isolate device %d", index) : 0;
}

int link_delete(struct mnl_socket *nl, const char *name)
{
	struct message m;
	int r;

	(void)begin_link(&m, RTM_DELLINK, 0);
	mnl_attr_put_strz(m.h, IFLA_IFNAME, name);
	r = talk(nl, &m, NULL, NULL);
	return r < 0 && r != -ENODEV ? err_new(r, "remove the device %s", name) : 0;
}

int link_up(struct mnl_socket *nl, int index)
{
	struct message m;
	struct ifinfomsg *i = begin_link(&m, RTM_NEWLINK, 0);
	int r;

	i->ifi_index = index;
	i->ifi_flags = i->ifi_change = IFF_UP;
	r = talk(nl, &m, NULL, NULL);
	return r < 0 ? err_new(r, "bring device %d up", index) : 0;
}

/* Nobody else has it: it need not be looked for first (IPv6), and can be bound to at once. */
int link_add_address(struct mnl_socket *nl, int index, const struct address *a, unsigned prefix)
{
	struct message m;
	struct ifaddrmsg *i;
	struct address_net net = {.base = *a, .prefix = prefix};
	struct address last = address_net_last(&net);
	size_t n = address_bits(a) / 8;
	int r;

	begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	i = mnl_nlmsg_put_extra_header(m.h, sizeof(*i));
	i->ifa_family = (unsigned char)a->family;
	i->ifa_prefixlen = (unsigned char)prefix;
	i->ifa_flags = a->family == AF_INET6 ? IFA_F_NODAD : 0;
	i->ifa_index = (unsigned)index;
	mnl_attr_put(m.h, IFA_LOCAL, n, a->b);
	mnl_attr_put(m.h, IFA_ADDRESS, n, a->b);
	if (a->family == AF_INET && prefix < 31)
		mnl_attr_put(m.h, IFA_BROADCAST, n, last.b);
	r = talk(nl, &m, NULL, NULL);
	return r < 0 ? err_new(r, "give an address to device %d", index) : 0;
}

static int route(struct mnl_socket *nl, uint16_t type, int index, const struct address_net *net,
		 const struct address *via, unsigned metric)
{
	struct message m;
	struct rtmsg *i;
	size_t n = address_bits(&net->base) / 8;

	begin(&m, type, type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0);
	i = mnl_nlmsg_put_extra_header(m.h, sizeof(*i));
	i->rtm_family = (unsigned char)net->base.family;
	i->rtm_dst_len = (unsigned char)net->prefix;
	i->rtm_protocol = RTPROT_STATIC;
	i->rtm_table = RT_TABLE_MAIN;
	i->rtm_type = RTN_UNICAST;
	i->rtm_scope = RT_SCOPE_UNIVERSE;
	if (net->prefix)
		mnl_attr_put(m.h, RTA_DST, n, net->base.b);
	mnl_attr_put(m.h, RTA_GATEWAY, n, via->b);
	mnl_attr_put_u32(m.h, RTA_OIF, (uint32_t)index);
	if (metric)
		mnl_attr_put_u32(m.h, RTA_PRIORITY, metric);
	return talk(nl, &m, NULL, NULL);
}

int link_add_route(struct mnl_socket *nl, int index, const struct address_net *net,
		   const struct address *via, unsigned metric)
{
	int r = route(nl, RTM_NEWROUTE, index, net, via, metric);

	return r < 0 ? err_new(r, "route through device %d", index) : 0;
}

int link_delete_route(struct mnl_socket *nl, int index, const struct address_net *net,
		      const struct address *via)
{
	int r = route(nl, RTM_DELROUTE, index, net, via, 0);

	return r < 0 && r != -ESRCH ? err_new(r, "remove a route through device %d", index) : 0;
}
