/* SPDX-License-Identifier: MIT */
/*
 * Published ports. The listening sockets are made by cuddy on the host side before anything starts
 * (so a conflict is found first), handed to the monitor, and served by one small proxy process that
 * connects inside the container's network namespace; it dies with the monitor.
 */
#pragma once
#include <stddef.h>

#include "net/plan.h"

#define NET_PORTS_MAX 4096

struct net_port_list {
	struct net_port *v;     /* host_ip strings are owned by the list */
	unsigned n, cap;
};

void net_port_list_done(struct net_port_list *l);
/** net_port_parse() - "[[ip:][host]:]container[/tcp|udp]" with ranges; appends. Usage error with the reason. */
int net_port_parse(const char *spec, struct net_port_list *l);
/** net_ports_bind() - one listening (TCP) or bound (UDP) socket per port; fills in random host ports. */
int net_ports_bind(struct net_port_list *l, int *ret_fds);
/** net_proxy_start() - fork the proxy for the network namespace of @pid; @fds are @n->ports' sockets. Returns a pidfd. */
int net_proxy_start(const struct net_plan *n, const int *fds, pid_t pid, pid_t *ret_pid);
