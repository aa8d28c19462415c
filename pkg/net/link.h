/* SPDX-License-Identifier: MIT */
/* Devices, addresses and routes of the network namespace a socket was opened in (libmnl, rtnetlink). */
#pragma once
#include <stdbool.h>

#include "net/address.h"

struct mnl_socket;

int link_open(struct mnl_socket **ret);
void link_close(struct mnl_socket *nl);
/** link_index() - of @name in the namespace we are in; -ENODEV without a trail. */
int link_index(const char *name);
/**
 * link_add_bridge() - up, with @mtu (0: the kernel's)
 * @mac: without one of its own a bridge takes the lowest of its ports', and changes it as they come and
 * go: whoever knew its gateway's would talk to nobody for a while.
 */
int link_add_bridge(struct mnl_socket *nl, const char *name, unsigned mtu,
		    const unsigned char mac[6]);
/** link_choose_mac() - a random one, of one device, made here. */
void link_choose_mac(unsigned char ret[6]);
struct link_veth {
	const char *name; /* here, up, in the bridge @master (an index) */
	int master;
	unsigned mtu; /* of both; 0: the kernel's */
	const char *peer_name; /* there */
	int peer_netns;
	const unsigned char *mac; /* of the other end; NULL: chosen by the kernel */
};
/** link_add_veth() - one end here, the other in another namespace from the start. -EEXIST: a name is taken. */
int link_add_veth(struct mnl_socket *nl, const struct link_veth *v);
/** link_isolate() - the bridge's port @index reaches the bridge itself, and no other port that is isolated too. */
int link_isolate(struct mnl_socket *nl, int index);
int link_delete(struct mnl_socket *nl, const char *name);
int link_up(struct mnl_socket *nl, int index);
int link_add_address(struct mnl_socket *nl, int index, const struct address *a, unsigned prefix);
/** link_add_route() - to @net through @via; @metric 0: the kernel's. */
int link_add_route(struct mnl_socket *nl, int index, const struct address_net *net,
		   const struct address *via, unsigned metric);
int link_delete_route(struct mnl_socket *nl, int index, const struct address_net *net,
		      const struct address *via);
