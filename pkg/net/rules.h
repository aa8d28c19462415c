/* SPDX-License-Identifier: MIT */
/*
 * What may pass between bridges, the way out and the gateway addresses: nftables, by libnftables, which is
 * loaded when it is needed and in a child, so that the keeper stays small and works without it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"

/** rules_base() - text of the table before there is any network. */
void rules_base(struct sbuf *out);
/** rules_network() - text that lets the bridge @name, with flags of net/bridge.h, in or (@add false) takes it out. */
void rules_network(const char *name, uint32_t flags, bool add, struct sbuf *out);
/** rules_renew() - text in front of rules_base() that takes away, in the same step, what is left of an older table. */
void rules_renew(struct sbuf *out);
/** rules_run() - execute @text, all or nothing; -CE_UNSUPPORTED where there is no libnftables or the kernel lacks it. */
int rules_run(const char *text);
/** rules_run_in() - the same in the namespace @netns; @out: what it prints, or NULL. */
int rules_run_in(int netns, const char *text, struct sbuf *out);
