/* SPDX-License-Identifier: MIT */
/* From a plan and descriptors to a running pid 1. Runs inside cuddy-conmon; libc only. */
#pragma once
#include "pkg/runtime/pins.h"
#include "pkg/runtime/plan.h"

struct rt_stdio {
	int in, out,
		err; /* pid 1's ends of pipes (or files passed through); unused with a terminal */
	int first_kept; /* plan->process.keep_fds lie here, one after the other */
	int start; /* rt_plan.hold: a listening socket; who connects and says #8 starts the payload */
};

struct rt_launched {
	pid_t pid; /* 0 with rt_plan.pin: it has ended */
	int pidfd; /* owned by the caller; -EBADF with rt_plan.pin */
	int pins[RT_PINS]; /* with that; else none */
	int pty_master; /* -EBADF without a terminal */
	int root_fd; /* keeps the root's file system alive: close it after the exit status was reported */
	pid_t root_server; /* fuse-overlayfs, 0 when there is none: without it the root is gone */
	int root_server_pidfd; /* -EBADF when there is none */
	int helper_pidfd; /* slirp4netns or pasta; -EBADF when there is none */
	int helper_exit_fd; /* closing it ends the helper */
	int keeper_fd,
		netns_fd; /* the place in bridged networks, and where that is; -EBADF: none */
	int proxy_pidfd; /* port forwarder; -EBADF when there is none */
	int proxy_ctl; /* for net_proxy_change() */
};

/* What the caller has to do for itself, done while pid 1 builds its root; an error ends the launch. */
struct rt_meanwhile {
	int (*call)(void *arg);
	void *arg;
};

/**
 * rt_launch() - start pid 1 of @plan; returns when it has called exec or has failed
 * @port_fds: listening sockets made by net_ports_bind(), same order as plan->net.ports.
 * @meanwhile: may be NULL.
 * Sync points are numbered in launch.c; CUDDY_STOP_AT=n (environment of the monitor) pauses there.
 * On failure nothing is left running and the trail tells the step: 127 not found, 126 not executable.
 */
int rt_launch(const struct rt_plan *plan, const struct rt_stdio *stdio, const int *port_fds,
	      const struct rt_meanwhile *meanwhile, struct rt_launched *ret);

/** rt_foreign_delete() - pid 1 is dead: its runtime forgets it, what was mounted for it goes. Nothing without one. */
void rt_foreign_delete(const struct rt_plan *plan);
