/* SPDX-License-Identifier: MIT */
/* --egress: what a container may reach, item by item; everything else is refused it. libc only. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

#define EGRESS_NAME_MAX 254

struct egress_item {
	char name[EGRESS_NAME_MAX]; /* lower case, maybe with "*." before it; "": @net counts */
	struct address_net net;
	uint16_t port; /* of TCP and UDP; 0: everything */
};

/** egress_parse() - "allow=HOST|IP|CIDR[:PORT]", IPv6 with a port in brackets. Return: 0 or a usage error. */
int egress_parse(const char *text, struct egress_item *ret);
/** egress_covers() - does @item allow what @host, a name in lower case, has as addresses? */
bool egress_covers(const struct egress_item *item, const char *host);
