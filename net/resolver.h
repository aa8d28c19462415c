/* SPDX-License-Identifier: MIT */
/* The host's resolv.conf: over which protocols its name servers are reached. libc only. */
#pragma once
#include <stdbool.h>

enum { NET_SERVERS_IPV4 = 1, NET_SERVERS_IPV6 = 2 };

/** net_host_servers() - flags of the families that it names servers of; 0: it names none. */
unsigned net_host_servers(void);
/** net_host_servers_in() - the same of @conf, the file's text. */
unsigned net_host_servers_in(const char *conf);
/** net_host_has_ipv6() - is there a route to anywhere? Nothing is sent. */
bool net_host_has_ipv6(void);
