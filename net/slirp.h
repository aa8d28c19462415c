/* SPDX-License-Identifier: MIT */
/* slirp4netns(1) for one network namespace: always sandboxed, host loopback closed unless asked. */
#pragma once
#include "net/plan.h"
#include "pkg/sys/process.h"

struct net_helper {
	pid_t pid;
	int pidfd;
	int ready_fd;   /* readable ("1") once the tap is up; EOF before that: the helper died */
	int exit_fd;    /* closing it ends the helper; it also ends when we die */
	int log_fd;     /* what it writes to stderr, for the error message */
};

/** net_slirp_start() - spawn it for the namespaces of process @pid; does not wait. */
int net_slirp_start(const struct net_plan *n, pid_t pid, struct net_helper *ret);
/** net_helper_wait_ready() - wait at most @timeout_ms; on failure the helper's last words are in the trail. */
int net_helper_wait_ready(struct net_helper *h, int timeout_ms);
/** net_slirp_find() - absolute path of a usable slirp4netns, version checked (N02), or -CE_HOST_SETUP with the line that mends it (also when /dev/net/tun cannot be opened). Static storage. */
int net_slirp_find(const char **ret_path);
