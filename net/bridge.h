/* SPDX-License-Identifier: MIT */
/*
 * What is said between a container's monitor and the keeper of the user's bridges (net/keeper.h): which
 * networks the container shall have (a request, made by cuddy, opaque to the monitor), and what it got
 * (a lease, lines of text that the monitor keeps beside its state file).
 *
 * Addresses and names are text on the way and are checked by whoever uses them.
 */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/wire.h"

#define BRIDGE_NETS_MAX 32
#define BRIDGE_SUBNETS_MAX 8
#define BRIDGE_LIST_MAX 32 /* routes, servers, aliases */
#define BRIDGE_REQUEST_MAX 49152
#define BRIDGE_LEASE_MAX 8192
#define BRIDGE_DOMAIN "dns.podman" /* names are found below it too */

enum bridge_flag {
	BRIDGE_INTERNAL = 1, /* no way out, and no names of outside */
	BRIDGE_OPEN = 2, /* other open networks may talk to it: isolate=false */
	BRIDGE_NAMES = 4, /* names of containers are answered for */
	BRIDGE_NO_DEFAULT_ROUTE = 8,
	BRIDGE_APART = 16, /* its containers do not reach each other: enable_icc=false */
	BRIDGE_UNMASKED =
		32, /* what leaves has the containers' own addresses: enable_ip_masquerade=false */
	BRIDGE_ALL = 63
};

/* Strings of the wire message, or of whoever encodes. */
struct bridge_list {
	const char *v[BRIDGE_LIST_MAX];
	unsigned n;
};

struct bridge_subnet {
	const char *net; /* "10.89.0.0/24", "fd00:1::/64" */
	const char *gateway; /* NULL: none */
	const char *first, *last; /* of what is given out; NULL: the whole subnet */
};

/* One network, and the container's place in it. */
struct bridge_attach {
	const char *name, *id, *bridge;
	uint32_t flags, mtu, metric; /* 0: the device's own, none */
	struct bridge_subnet subnets[BRIDGE_SUBNETS_MAX];
	unsigned n_subnets;
	struct bridge_list routes; /* "10.1.0.0/16,10.89.0.9[,metric]" */
	struct bridge_list servers; /* the network's own name servers */
	struct bridge_list reserved; /* addresses that are given to nobody */
	const char *device; /* NULL: the first free ethN */
	const char *ip, *ip6, *mac; /* NULL: chosen */
	int32_t priority; /* the highest of its networks has the default route */
	struct bridge_list names; /* in this network, the container's own first */
	struct bridge_list
		links; /* "OTHER:NAME": what the container itself calls another one in this network */
};

struct bridge_request {
	const char *id; /* of the container */
	struct bridge_list servers; /* --dns */
	struct bridge_list egress; /* --egress (net/egress.h); none: it may reach everything */
	struct bridge_attach nets[BRIDGE_NETS_MAX];
	unsigned n;
};

void bridge_request_encode(const struct bridge_request *q, struct sbuf *out);
/** bridge_request_decode() - strings point into @p; -CE_PROTOCOL. */
int bridge_request_decode(const void *p, size_t n, struct bridge_request *ret);

/* A line of a lease: "network device mac ip/prefix gateway ip6/prefix gateway6", "-" for what is not. */
struct bridge_lease {
	char network[129], device[16], mac[18];
	char ip[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN];
	char ip6[INET6_ADDRSTRLEN], gateway6[INET6_ADDRSTRLEN];
	unsigned prefix, prefix6;
};

/** bridge_lease_put() - append the line of @l to @out, which has room for @size; false when it has not. */
bool bridge_lease_put(const struct bridge_lease *l, char *out, size_t size);
/** bridge_lease_next() - the line at *@text, which moves on; absent fields are "". False: no more. */
bool bridge_lease_next(const char **text, struct bridge_lease *ret);
/** bridge_lease_find() - that of @network. */
bool bridge_lease_find(const char *text, const char *network, struct bridge_lease *ret);
/** bridge_lease_hosts() - lines for /etc/hosts: each address, then @names. Return: bytes in @out, at most @size - 1. */
size_t bridge_lease_hosts(const char *text, const char *names, char *out, size_t size);
