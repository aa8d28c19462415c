/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the caller that a payload has too, under the same numbers. To be asked for before
 * anything else is opened: what is open then is the caller's, later it may be ours (R02).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/strv.h"

struct container_plan;

struct keep_fds {
	uint32_t *v; /* ascending */
	unsigned n;
	struct strv env; /* what socket activation says of them */
};

/** keep_fds_named() - 3 to 2+@first, and those that @lists ("5,7") name. */
int keep_fds_named(unsigned first, const struct strv *lists, struct keep_fds *k);
/** keep_fds_listen() - the sockets that LISTEN_FDS hands to this very process (sd_listen_fds(3)), if any. */
int keep_fds_listen(struct keep_fds *k);
/** keep_fds_plan() - into the process of a plan; @k must outlive it. */
void keep_fds_plan(const struct keep_fds *k, struct container_plan *p);
void keep_fds_done(struct keep_fds *k);
