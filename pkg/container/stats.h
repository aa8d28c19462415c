/* SPDX-License-Identifier: MIT */
/* What a container uses, read from its cgroup and its network namespace. */
#pragma once
#include <stdint.h>

#include "pkg/container/container.h"

struct json_object;

struct stats {
	int64_t at_ns; /* CLOCK_MONOTONIC */
	uint64_t cpu_ns, cpu_system_ns, memory, memory_limit, net_in, net_out, read, written, pids;
	/* Counters by interface, as podman's .Network has them; NULL: none. Owned until stats_rows() takes it. */
	struct json_object *network;
};

/** stats_read() - now; all zero when it does not run. -CE_HOST_SETUP when it has no cgroup of its own. */
int stats_read(const struct container *c, struct stats *ret);
/** stats_read_net() - its part: interfaces but the loopback one. What cannot be read is 0. Sets @s->network. */
void stats_read_net(const struct container *c, struct stats *s);
/**
 * stats_rows() - a table and template row, and podman's JSON object
 * @before: an older look at the same run, for the share of processors; NULL: since the start.
 */
void stats_rows(const struct container *c, struct stats *now, const struct stats *before,
		bool no_trunc, struct json_object **ret_row, struct json_object **ret_json);
