/* SPDX-License-Identifier: MIT */
/*
 * What the network of one container shall be: made by the planner, carried to the monitor, put into
 * effect there. Knows no container. libc only, like everything under net/ and pkg/runtime: the
 * monitor links it.
 */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/wire.h"

/* NET_JOIN: another container's; NET_PATH: a namespace that somebody else made; NET_BRIDGE: named networks. */
enum net_mode { NET_NONE, NET_HOST, NET_SLIRP, NET_JOIN, NET_PASTA, NET_PATH, NET_BRIDGE };
enum net_proto { NET_TCP, NET_UDP };

struct net_port {
	enum net_proto proto;
	const char *host_ip; /* "0.0.0.0", "127.0.0.1", "::", "::1" …; never NULL */
	bool any_family; /* no address was named: IPv4 and IPv6, where the host has it */
	uint16_t host_port; /* 0 only before net_ports_bind() chose one */
	uint16_t host_port_last; /* 0, or: net_ports_bind() takes the first free one up to this */
	uint16_t container_port;
	uint16_t host_port_wish; /* 0, or: tried first where host_port is 0 */
};

/* Strings belong to whoever made the plan (the wire message after decoding). */
struct net_plan {
	enum net_mode mode;
	const char *helper_path; /* absolute; NULL unless NET_SLIRP or NET_PASTA */
	const char *options; /* of the helper, with commas between; or NULL */
	const char *dns; /* address at which the helper answers for the host's name server, if not slirp4netns's own; or NULL */
	const char *
		uplink_path; /* NET_BRIDGE: slirp4netns or pasta for all bridges; NULL: no way out */
	/* NET_BRIDGE: cuddy-net and the directory of the user's keeper; with a helper and an allow-list: of a guard (net/keeper.h) */
	const char *keeper_path, *keeper_dir;
	const char *hosts_path; /* NET_BRIDGE: where the container's own addresses are written, … */
	const char *hosts_names; /* … for these names, … */
	uint32_t hosts_base; /* … after as many bytes; NULL, NULL, 0: nowhere */
	/* With a keeper, not on the wire: */
	const void *bridge; /* which networks, bridge_request_encode() */
	size_t bridge_len;
	char *lease; /* BRIDGE_LEASE_MAX bytes: what it had, then what it has */
	bool allow_host_loopback;
	bool enable_ipv6;
	uint32_t mtu; /* 0: 65520 */
	uint32_t network, prefix; /* IPv4, host order; prefix 0: 10.0.2.0/24 */
	const struct net_port *ports;
	unsigned n_ports;
};

/* Addresses inside a slirp network, as offsets from its first: slirp4netns(1). */
#define NET_SLIRP_GATEWAY 2
#define NET_SLIRP_DNS 3
#define NET_SLIRP_TAP 100
#define NET_SLIRP_DNS6 "fd00::3"
#define NET_SLIRP_TAP6 "fd00::100" /* of ours */
#define NET_SLIRP_MTU 65520
#define NET_MTU_MIN_IPV6 1280 /* RFC 8200 */
#define NET_SLIRP_DEVICE "tap0"
#define NET_DEVICE_MAX 15 /* IFNAMSIZ - 1 */

void net_plan_encode(const struct net_plan *n, struct sbuf *out);
/* @ports/@max: room for the decoded ports. Return 0 or -CE_PROTOCOL. */
int net_plan_decode(struct wire_reader *r, struct net_plan *n, struct net_port *ports,
		    unsigned max);

/**
 * net_plan_parse_slirp() - "allow_host_loopback=true,mtu=1500,cidr=10.0.3.0/24,enable_ipv6=true"
 * What follows "slirp4netns:" in --network.
 * Return: 0 or a usage error.
 */
int net_plan_parse_slirp(const char *options, struct net_plan *n);
/** net_slirp_outbound() - the value of "outbound_addr" or "outbound_addr6"; false: none. */
bool net_slirp_outbound(const struct net_plan *n, const char *key, char out[INET6_ADDRSTRLEN]);

/** net_plan_parse_pasta() - what follows "pasta:"; @n points into @options. Return: 0 or a usage error. */
int net_plan_parse_pasta(const char *options, struct net_plan *n);
/** net_mode_has_helper() - is a program started that serves the namespace? */
static inline bool net_mode_has_helper(enum net_mode m)
{
	return m == NET_SLIRP || m == NET_PASTA;
}
/** net_mode_publishes() - can ports lead into it? */
static inline bool net_mode_publishes(enum net_mode m)
{
	return net_mode_has_helper(m) || m == NET_PATH || m == NET_BRIDGE;
}

/** net_plan_is_guarded() - an allow-list without named networks: a guard keeps it, and B its namespace. */
static inline bool net_plan_is_guarded(const struct net_plan *n)
{
	return net_mode_has_helper(n->mode) && n->keeper_dir;
}

/** net_plan_check() - does it fit together (ports need a network of the container's own)? Usage error. */
int net_plan_check(const struct net_plan *n);

/**
 * net_replace_tail() - @len bytes of @lines are what @fd has from @at on, in one write
 * Who reads meanwhile, right after the start of a container or at a change, finds the lines that stay the same, and
 * blank ones where there were more: @lines has room for @size bytes, and is filled with newlines.
 */
bool net_replace_tail(int fd, off_t at, char *lines, size_t len, size_t size);
#define NET_HOSTS_POD "\t# of this pod" /* ends a line for a container that has the network of the file's owner */
/** net_plan_write_hosts() - the lines for the addresses in @lease, in place of older ones; those of a pod stay. */
int net_plan_write_hosts(const struct net_plan *n, const char *lease);

/*
 * TCP of a container's network ends on this machine, at a helper, a proxy or another container: nothing is lost on
 * the way. Where the host's congestion control is one that paces (bbr), each segment would wait for a timer, which
 * takes more time than all else. Reno is what every kernel lets everybody have; cubic does not pace either.
 */
#define NET_CONGESTION_LOCAL "reno"
/** net_congestion_paces() - @name, as the kernel calls it, is not known to send at once? */
bool net_congestion_paces(const char *name);

/** net_plan_address() - address number @offset of the slirp network. */
struct in_addr net_plan_address(const struct net_plan *n, uint32_t offset);
/** net_plan_prefix() - length of the slirp network's prefix. */
uint32_t net_plan_prefix(const struct net_plan *n);
