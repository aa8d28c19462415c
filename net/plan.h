/* SPDX-License-Identifier: MIT */
/*
 * What the network of one container shall be: made by the planner, carried to the monitor, put into
 * effect there. Knows no container. libc only, like everything under net/ and pkg/runtime: the
 * monitor links it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/wire.h"

enum net_mode { NET_NONE, NET_HOST, NET_SLIRP, NET_JOIN };
enum net_proto { NET_TCP, NET_UDP };

struct net_port {
	enum net_proto proto;
	const char *host_ip;    /* "0.0.0.0", "127.0.0.1", "::", "::1" …; never NULL */
	uint16_t host_port;     /* 0 only before net_ports_bind() chose one */
	uint16_t container_port;
};

/* Strings belong to whoever made the plan (the wire message after decoding). */
struct net_plan {
	enum net_mode mode;
	const char *slirp_path;      /* absolute; NULL unless NET_SLIRP */
	bool allow_host_loopback;
	bool enable_ipv6;
	uint32_t mtu;                /* 0: 65520 */
	const char *cidr;            /* NULL: 10.0.2.0/24 */
	const struct net_port *ports;
	unsigned n_ports;
};

void net_plan_encode(const struct net_plan *n, struct sbuf *out);
/* @ports/@max: room for the decoded ports. Return 0 or -CE_PROTOCOL. */
int net_plan_decode(struct wire_reader *r, struct net_plan *n, struct net_port *ports, unsigned max);
