/* SPDX-License-Identifier: MIT */
/* What is particular to slirp4netns(1): always sandboxed, host loopback closed unless asked. */
#pragma once
#include "net/plan.h"

/** net_slirp_plan() - what depends on the host: IPv6, where its name servers are reached by nothing else. */
void net_slirp_plan(struct net_plan *n);

/** net_slirp_is_old() - ask it: 1 when it is older than 1.2 or its libslirp than 4.7, or does not say; 0; an error. */
int net_slirp_is_old(const char *path);
/** net_slirp_is_old_cached() - the same, the answer remembered in @runtime_dir (-1: not). */
int net_slirp_is_old_cached(int runtime_dir, const char *path);
