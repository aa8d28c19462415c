/* SPDX-License-Identifier: MIT */
/* IP addresses of both families and their networks, as bytes. libc only. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>

struct address {
	int family; /* AF_INET, AF_INET6; 0: none */
	unsigned char b[16]; /* network order; IPv4 uses 4, the others are 0 */
};

struct address_net {
	struct address base; /* host bits are 0 */
	unsigned prefix;
};

/** address_parse() - false unless @s is one address and nothing else. */
bool address_parse(const char *s, struct address *ret);
/** address_format() - into a buffer of INET6_ADDRSTRLEN; "" for none. Returns it. */
const char *address_format(const struct address *a, char *out);
unsigned address_bits(const struct address *a); /* 32, 128 */
bool address_equal(const struct address *a, const struct address *b);
/** address_compare() - of one family: <0, 0, >0. */
int address_compare(const struct address *a, const struct address *b);
/** address_next() - the one after it; false when there is none. */
bool address_next(struct address *a);

/** address_net_parse() - "10.89.0.0/24"; bits beyond the prefix are cleared. */
bool address_net_parse(const char *s, struct address_net *ret);
bool address_net_has(const struct address_net *n, const struct address *a);
/** address_net_overlaps() - do they share an address? */
bool address_net_overlaps(const struct address_net *a, const struct address_net *b);
struct address address_net_last(const struct address_net *n); /* IPv4: the broadcast address */
