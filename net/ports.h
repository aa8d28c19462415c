/* SPDX-License-Identifier: MIT */
/*
 * Published ports. The listening sockets are made by cuddy on the host side before anything starts
 * (so a conflict is found first), handed to the monitor, and served by one small proxy process that
 * connects inside the container's network namespace; it dies with the monitor.
 */
#pragma once
#include <stddef.h>
#include <sys/types.h>

#include "net/plan.h"
#include "pkg/base/strv.h"

#define NET_PORTS_MAX 4096 /* of a list */
#define NET_PUBLISHED_MAX 1024 /* of a container: each is a socket that is handed on */

struct net_port_list {
	struct net_port *v; /* host_ip strings are owned by the list */
	unsigned n, cap;
	unsigned failed; /* index of the port that net_ports_bind() could not have */
};

#define NET_PORT_LIST_INIT \
	{                  \
		0          \
	}

void net_port_list_done(struct net_port_list *l);
/**
 * net_port_parse() - "[[ip:][host]:]container[/tcp|udp]" with ranges; appends
 * IPv6 addresses in brackets. No host part (or 0): a free one is chosen by net_ports_bind(). A host
 * range for one container port: the first free one of it. Usage error with the reason.
 */
int net_port_parse(const char *spec, struct net_port_list *l);
/** net_port_put_at() - add @spec to @out, for each of @ips once where it names no address of its own (@ips NULL: as it is). */
void net_port_put_at(const char *spec, const struct strv *ips, struct strv *out);
/** net_port_set_address() - of one of a list: on @ip alone. */
void net_port_set_address(struct net_port *p, const char *ip);
/** net_port_format() - the spec that net_port_parse() reads back as exactly @p; allocated. */
char *net_port_format(const struct net_port *p);
#define NET_PORT_WHERE 80
/** net_first_open_port() - the lowest port of the host that an ordinary user may listen on. */
uint32_t net_first_open_port(void);
/** net_port_where() - "127.0.0.1:8080/tcp", "[::1]:53/udp": how messages name it. */
void net_port_where(const struct net_port *p, char out[NET_PORT_WHERE]);
/**
 * net_ports_bind() - one listening (TCP) or bound (UDP) socket per port; fills in chosen host ports
 * @ret_fds: room for @l->n descriptors; all or none are open afterwards. The error names the port.
 */
int net_ports_bind(struct net_port_list *l, int *ret_fds);
/**
 * net_shows_clients() - do TCP servers inside see their clients' own addresses, by this kernel?
 * A client on the host's loopback is shown as the container's own address all the same.
 */
bool net_shows_clients(void);
/**
 * net_proxy_start() - fork the proxy for the network namespace of @pid; returns a pidfd
 * @ret_ctl: where net_proxy_change() talks to it.
 * @fds: @n->ports' sockets in the same order; they stay open here too, and the caller closes its
 * copies at once, or the ports stay taken when the proxy is gone. It may be started before the tap
 * exists. Nothing to forward (no ports, or a network that is not the container's own): -ENOENT
 * without a trail.
 */
int net_proxy_start(const struct net_plan *n, const int *fds, pid_t pid, int *ret_ctl);
