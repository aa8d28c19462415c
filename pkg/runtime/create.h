/* SPDX-License-Identifier: MIT */
/*
 * A container in two steps, without a monitor: what runtime-spec calls create and start. pid 1 is left
 * behind, built and waiting; it belongs to whoever is the subreaper of the caller.
 */
#pragma once
#include "pkg/runtime/plan.h"

struct rt_create {
	const struct rt_plan *
		plan; /* with hold and process.outlives; its keep_fds are open here under these very numbers */
	int program; /* rt_program_seal() */
	int base_ns; /* user namespace to be in first; -EBADF: we are where we shall be */
	int listener; /* for rt_plan.hold */
	int stdio[3];
};

struct rt_created {
	pid_t pid;
	int pty_master; /* -EBADF without a terminal */
};

/** rt_create() - returns when pid 1 waits to be started, or why it does not (nothing is left then). */
int rt_create(const struct rt_create *c, struct rt_created *ret);
/** rt_start() - over a connection to its socket: start the payload; returns when it was executed. */
int rt_start(int conn);

/* The stage's side, argv[1] of cuddy-conmon; descriptors: 0..2, then these, then what is preserved. */
#define RT_CREATE_PLAN_FD 3
#define RT_CREATE_REPORT_FD 4
#define RT_CREATE_LISTEN_FD 5
#define RT_CREATE_KEEP_FD 6
#define RT_CREATE_ROLE "create-stage"
int rt_create_stage_main(void);
