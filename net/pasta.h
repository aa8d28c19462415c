/* SPDX-License-Identifier: MIT */
/* What is particular to pasta(1). */
#pragma once
#include "net/plan.h"

/** net_pasta_plan() - what depends on the host: whether its name server is forwarded. */
void net_pasta_plan(struct net_plan *n);
struct sbuf;
/** net_pasta_servers() - lines for resolv.conf: where options say that pasta answers for the host's servers. */
void net_pasta_servers(const struct net_plan *n, struct sbuf *out);
/** net_pasta_value() - the IPv4 address that option @name ("--address") has in @n; false: none. */
bool net_pasta_value(const struct net_plan *n, const char *name, struct in_addr *ret);
