/* SPDX-License-Identifier: MIT */
/*
 * `exec`: a further process in a running container. The caller (cuddy) owns stdio or the pty and
 * waits; a small static stage (the cuddy-conmon program, role "exec-stage", started from the
 * monitor's own read-only executable, R01) enters the namespaces, confines itself and execs.
 */
#pragma once
#include "pkg/runtime/plan.h"

struct rt_exec {
	struct proc_id init; /* the container's pid 1 */
	struct proc_id monitor; /* its cuddy-conmon: source of the stage's executable */
	int program; /* instead, when there is no monitor (its pid is 0): rt_program_seal() */
	const char *cgroup_dir; /* the container's cgroup; NULL: it has none */
	struct rt_process process; /* its keep_fds are open here under these very numbers */
	int stdio[3]; /* given to the payload as they are; ignored with process.terminal */
	bool detached; /* outlives the caller; otherwise it dies with it */
	bool gathers; /* the payload is the subreaper of what it starts: rt_exec_kill_below() finds all of it */
	bool own_time; /* the container has a time namespace of its own */
	bool adopted; /* with process.outlives: nobody of ours waits for it, it is left to a subreaper */
};

/** rt_program_seal() - a copy of cuddy-conmon that nobody can write, to be executed by descriptor (R01). */
int rt_program_seal(const char *program);

struct rt_exec_started {
	pid_t stage_pid; /* child of the caller; exits as the payload did (128+n for signals) */
	int stage_pidfd;
	int payload_pidfd; /* for signals */
	int pty_master; /* -EBADF without a terminal */
};

/** rt_exec_start() - returns when the payload's exec succeeded; 127/126 codes as rt_launch(). */
int rt_exec_start(const struct rt_exec *e, struct rt_exec_started *ret);

/**
 * rt_exec_leave() - what was not started detached, and with a terminal, outlives the caller from now on. Whoever
 * goes on then leaves somebody with pty_master: where nobody has it, the payload's terminal hangs up.
 */
int rt_exec_leave(const struct rt_exec_started *s);

/** rt_exec_pid() - of the payload, as we see it. */
pid_t rt_exec_pid(const struct rt_exec_started *s);

/** rt_exec_message() - a sealed memfd that tells a stage all of @e but init, monitor and stdio. */
int rt_exec_message(const struct rt_exec *e);

/*
 * For the monitor, which never waits and allocates nothing: start a stage from such a message (its own
 * program), with @out for stdout and stderr and nothing to read, in the cgroup open as @cgroup (-EBADF:
 * the monitor's own).
 * rt_exec_spawn() - the stage's pid, a child to be reaped; @ret_report for:
 * rt_exec_result() - once it was reaped: 0 when its command was executed, else why not.
 * rt_exec_hold() - stops both, for the end; the payload's pid, or -1 when there is none yet.
 * rt_exec_kill_below() - what the payload started: how many there were that still lived. To be called
 * until there are none: only then all is gone, however deep. Needs "gathers".
 * rt_exec_kill() - the payload's process group and the stage.
 */
int rt_exec_spawn(int message, int init_pidfd, int cgroup, int out, int *ret_report);
int rt_exec_result(int report);
pid_t rt_exec_hold(pid_t stage, int report);
unsigned rt_exec_kill_below(pid_t payload);
void rt_exec_kill(pid_t stage, pid_t payload);

/*
 * The stage's side, called by cuddy-conmon for argv[1] "exec-stage". Its descriptors: 0..2 the
 * payload's, RT_EXEC_PLAN_FD a sealed memfd, RT_EXEC_REPORT_FD the caller's socket, RT_EXEC_INIT_FD
 * a pidfd of pid 1, then process.keep_fds. Returns the exit status.
 */
#define RT_EXEC_PLAN_FD 3
#define RT_EXEC_REPORT_FD 4
#define RT_EXEC_INIT_FD 5
#define RT_EXEC_KEEP_FD 6
#define RT_EXEC_ROLE "exec-stage"
int rt_exec_stage_main(int plan_fd, int report_fd);
