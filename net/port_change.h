/* SPDX-License-Identifier: MIT */
/* Ports that come and go while a container runs: from cuddy to its monitor to the proxy, as bytes. */
#pragma once
#include "net/plan.h"

struct net_port_change {
	uint8_t add; /* its socket comes along; else: it is published no longer */
	uint8_t proto, any_family, v6;
	uint16_t host_port, container_port;
	uint8_t address[16]; /* of the host: 4 bytes, 16 with v6 */
};

/** net_port_change_of() - @p as net_ports_bind() left it. */
void net_port_change_of(const struct net_port *p, bool add, struct net_port_change *ret);
/** net_port_change_check() - bytes from elsewhere: could they be of net_port_change_of()? */
bool net_port_change_check(const struct net_port_change *c);
/** net_port_change_is() - is @fd the socket that @c speaks of? */
bool net_port_change_is(const struct net_port_change *c, int fd);
/**
 * net_proxy_change() - have the proxy do it; @ctl from net_proxy_start()
 * Return: 0; -ENOENT (no trail): it has no such port; an error. Connections in use go on.
 */
int net_proxy_change(int ctl, const struct net_port_change *c, int fd);
