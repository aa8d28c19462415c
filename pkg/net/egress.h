/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: an allow-list of a container (--egress)
 *
 * Where     nftables in the container's own network namespace, which belongs to the base namespace: its
 *           root has no power over it, neither over devices, routes and rules nor for raw packets.
 * Names     are asked for at the gateway address only, which is the one server that may be reached. The
 *           server of names refuses what is not on the list, so that questions carry nothing out, and
 *           before it passes an answer on it tells the keeper, who puts the addresses into the set
 *           of that item for as long as the answer may be kept.
 * Guards    without named networks the server of names is in the container's own network namespace, at
 *           GUARD_DNS, and asks by what way out there is: its sockets have a mark, which nobody else
 *           there may set.
 * Counting  what the rules refused, in a counter there, and what the server of names refused, here.
 */
#pragma once
#include "pkg/net/keeper.h"

/** egress_apply() - the rules of @c, before it has a device or anew (@k guards: a way out), and the servers of names it may ask now. */
int egress_apply(const struct keeper *k, struct client *c, const struct bridge_request *q);
/** egress_has_names() - is there one in the list of @c? */
bool egress_has_names(const struct client *c);
/** egress_news() - lines of the server of names: "A id" and "item ttl address"…, or "R id". True: it waits for a word. */
bool egress_news(struct keeper *k, char *text);
/** egress_refused() - how often container @id was refused; -ENOENT: it is not here or has no list. */
int egress_refused(const struct keeper *k, const char *id, uint64_t *ret);
void egress_done(struct client *c);
