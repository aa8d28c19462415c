/* SPDX-License-Identifier: MIT */
/*
 * The container's place in bridged networks: a connection to the keeper (net/keeper.h) that lasts as long as
 * a run. What the container shall have is in state_dir/networks, written by cuddy (bridge_request_encode());
 * what it has is in state_dir/network, written here.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/bridge.h"

struct monitor;
struct net_plan;

#define BRIDGE_REQUEST_FILE "networks"
#define BRIDGE_LEASE_FILE "network"

struct bridge {
	int fd, netns; /* -EBADF: no bridged network now */
	bool awaits; /* an answer of the keeper */
	bool placed; /* this connection has had a good one */
	pid_t starter; /* our child that has a keeper started; 0: there is none */
	int64_t retry_at_ns, pause_ns; /* CLOCK_MONOTONIC; 0: not */
	char lease[BRIDGE_LEASE_MAX];
	char request[BRIDGE_REQUEST_MAX];
	size_t request_len;
};

/** bridge_prepare() - before a launch: @n gets what it shall have. */
int bridge_prepare(struct monitor *m, struct net_plan *n);
/** bridge_begin() - after it: the connection is ours. */
void bridge_begin(struct monitor *m);
/** bridge_leave() - the run is over: tell the keeper. */
void bridge_leave(struct monitor *m);
/** bridge_end() - wait until it has forgotten us (not long for one that hangs); then nobody finds the container by name. */
void bridge_end(struct monitor *m);
/** bridge_pump() - what the keeper says, and another keeper when it is gone. */
void bridge_pump(struct monitor *m, int64_t now);
/** bridge_reaped() - was @pid ours? */
bool bridge_reaped(struct monitor *m, pid_t pid, int status);
/** bridge_renew() - the request has changed. 0: an answer will come (bridge_answered()); a code: it will not. */
int bridge_renew(struct monitor *m);
