/* SPDX-License-Identifier: MIT */
/*
 * The cuddy side of a monitor: start one, follow it, talk to a running one.
 * State and exit status are flat files that only the monitor writes while it lives:
 *
 *	state_dir/state       "key=value" lines: status, pid, start, conmon_pid, conmon_start, boot_id,
 *	                      started_ns, restarts, health, cgroup, pins (tmpfs, not synced); of the last run
 *	                      what the exit file has, when it is over
 *	state_dir/lock        held by the monitor for life
 *	state_dir/attach      SEQPACKET socket
 *	data_dir/started      its time is that of the last start; all that is left after a reboot
 *	data_dir/exit         exit_code, finished_ns, signal, oom, reason, error … lines; written durably before
 *	                      anybody is told
 */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "pkg/conmon/config.h"
#include "pkg/runtime/pins.h"
#include "pkg/sys/tty.h"

enum conmon_status {
	CONMON_NONE,
	CONMON_CREATED,
	CONMON_RUNNING,
	CONMON_PAUSED,
	CONMON_STOPPING,
	CONMON_EXITED,
	CONMON_RESTARTING, /* the monitor waits before it starts the container again */
	CONMON_INITIALIZED /* built, and pid 1 waits for the word */
};

enum conmon_health { CONMON_HEALTH_NONE, CONMON_HEALTH_STARTING, CONMON_HEALTHY, CONMON_UNHEALTHY };

/* What ended the last run. */
enum conmon_reason {
	CONMON_BY_ITSELF, /* it exited */
	CONMON_BY_SIGNAL, /* one that nobody of us sent */
	CONMON_BY_USER, /* stop or kill */
	CONMON_BY_SESSION, /* the monitor was asked to end: session or machine go down */
	CONMON_BY_OOM,
	CONMON_BY_TIMEOUT, /* --timeout */
	CONMON_BY_HEALTH, /* --health-on-failure */
	CONMON_BY_LAUNCH, /* it could not be started again */
	CONMON_BY_CRASH /* the monitor or what serves the root was killed, or the machine went down */
};

#define CONMON_CGROUP_MAX 512

struct conmon_state {
	enum conmon_status status;
	struct proc_id init, monitor;
	int pins[RT_PIN_COUNT]; /* there is no init: descriptors of the monitor; 0: none (conmon_is_pinned()) */
	int64_t started_ns, finished_ns;
	enum conmon_health health; /* of the last run, too */
	int exit_code; /* valid when exited or restarting, as what follows */
	bool oom_killed;
	bool stopped_by_user;
	enum conmon_reason reason;
	char cgroup[CONMON_CGROUP_MAX]; /* the container's own; "" without one */
	uint32_t restarts; /* by the monitor, since somebody started it */
	char error[256];
	bool unrecorded; /* exited: we see it, but nobody has written it down */
};

/**
 * conmon_state_read() - what is true now, from state file, lock and exit file
 * A dead monitor (lock free) with a state file and no exit file was killed: status EXITED, code 137
 * unless the payload still runs, which it cannot (it dies with its monitor), error says so.
 */
int conmon_state_read(int state_dir, int data_dir, struct conmon_state *ret);
/** conmon_state_look() - the same of the directories @id in @state_root and in @data_root, without opening them. */
int conmon_state_look(int state_root, int data_root, const char *id, struct conmon_state *ret);

/** conmon_is_pinned() - it runs without a process: its monitor keeps the namespaces (rt_plan.pin). */
bool conmon_is_pinned(const struct conmon_state *s);
/**
 * conmon_can_join() - do its programs run, so that others can be started beside them or share its namespaces? Also while
 * it is being stopped, which may take long; what is paused is to be woken first.
 */
bool conmon_can_join(const struct conmon_state *s);
/**
 * conmon_ns_path() - where the kernel shows a namespace of the running container, or with RT_PIN_ROOT its root
 * Return: whose path that is: who opens it asks pidfd_of() before, and the pidfd after that.
 */
const struct proc_id *conmon_ns_path(const struct conmon_state *s, unsigned kind,
				     char out[PIN_PATH_MAX]);

struct conmon_started {
	pid_t pid;
	int pidfd;
	int control_fd;
	bool relay_stdin; /* -i on a terminal: conmon_foreground() reads it (job control stays the shell's) */
	struct tty_raw raw; /* with -it; conmon_foreground() gives it back */
	sigset_t mask; /* of before; signals wait for conmon_foreground() when cfg->foreground */
};

/*
 * Puts a monitor where it belongs before it launches anything: @place gets its pid, and leaves in
 * @ret_dir the container's cgroup ("" without one, owned by @data), for cfg->await_cgroup.
 */
struct conmon_place {
	int (*place)(void *data, pid_t monitor, const char **ret_dir);
	void *data;
};

/**
 * conmon_start() - fork, enter B (@base_ns), exec cuddy-conmon from a read-only detached mount (R01)
 * with @plan and @cfg in a sealed memfd; returns when pid 1 has exec'ed, or its error
 * With cfg->auto_remove a container that could not be started is removed as well.
 * @place: NULL without cfg->await_cgroup.
 * @program: absolute path of cuddy-conmon. @stdio: caller's 0..2 or /dev/null. @port_fds as rt_launch.
 */
int conmon_start(const char *program, int base_ns, const struct rt_plan *plan,
		 struct conmon_config *cfg, const int stdio[3], const int *port_fds,
		 const struct conmon_place *place, struct conmon_started *ret);

/**
 * conmon_foreground() - after conmon_start() with cfg->foreground: raw terminal, window size and
 * signals (when @sig_proxy) go to the monitor; returns the exit code, or -CE_INTERRUPTED-like codes.
 * @ret_detached: the detach keys were typed; the container goes on.
 */
int conmon_foreground(const struct conmon_started *m, bool tty, bool sig_proxy, int *ret_exit,
		      bool *ret_detached);

struct conmon_attach {
	bool no_stdin;
	bool sig_proxy;
	bool tty;
	bool begin; /* it is initialized: let it go on */
	const char *detach_keys; /* decoded; NULL: the container's own */
};

/** conmon_attach() - be a client of a running container until it exits or detaches. */
int conmon_attach(int state_dir, const struct conmon_attach *a, int *ret_exit, bool *ret_detached);
/** conmon_begin() - let a container go on that is initialized; returns once it was executed. -ESRCH: none is. */
int conmon_begin(int state_dir);
/** conmon_stop() - ask the monitor to stop (signal, grace, SIGKILL; -1: no SIGKILL) and wait until it has; -ESRCH when it does not run. */
int conmon_stop(int state_dir, int signal_or_0, int64_t grace_ms);
/** conmon_kill() - signal pid 1 through the monitor. */
int conmon_kill(int state_dir, int sig);
/** conmon_watch() - a descriptor that is readable once conmon_watched() has something to say; -ESRCH: no monitor. */
int conmon_watch(int state_dir);
/**
 * conmon_watched() - 1: it has exited, with @ret_exit (the only way to hear it with --rm); 0: not yet
 * With 1 the monitor has also done all that follows the end. -ESRCH: it left without a word.
 */
int conmon_watched(int watch, int *ret_exit);
/**
 * conmon_restart() - let the monitor stop the container and start it again, as it was planned
 * For what must not pass through the end of the container. -ESRCH when it does not run.
 */
int conmon_restart(int state_dir, int signal_or_0, int64_t grace_ms);
/** conmon_reason_text() - "exited" "signal" "user" "session" "oom" "timeout" "health" "launch" "crash". */
const char *conmon_reason_text(enum conmon_reason reason);
/** conmon_set_restart() - another policy from now on; a next run that it would not have is called off. -ESRCH. */
int conmon_set_restart(int state_dir, enum conmon_restart policy, uint32_t max);
/** conmon_set_name() - what the monitor calls the container in events from now on. -ESRCH. */
int conmon_set_name(int state_dir, const char *name);
/** conmon_publish() - one port more (@fd is its socket) or less; -ENOENT: it has none such; -ESRCH. */
struct net_port_change;
int conmon_publish(int state_dir, const struct net_port_change *c, int fd);
/** conmon_set_health() - the health checks of @cfg from now on; their descriptors stay the caller's. -ESRCH. */
int conmon_set_health(int state_dir, const struct conmon_config *cfg);
/** conmon_renew_networks() - state_dir/networks says something new; returns once it is so. -ESRCH. */
int conmon_renew_networks(int state_dir);
/**
 * conmon_member() - a descriptor that stands for a member of the pod which that monitor holds
 * As long as one is open anywhere, the pod has a member. -ESRCH when it does not run.
 */
int conmon_member(int state_dir);
/** conmon_check() - a health check now: 0 it is well, 1 it is not; -ENOENT (no trail): it has none; -ESRCH. */
int conmon_check(int state_dir);
/** conmon_health_text() - "" "starting" "healthy" "unhealthy". */
const char *conmon_health_text(enum conmon_health health);
/** conmon_pause() - have the monitor freeze or thaw the container's cgroup; -CE_UNSUPPORTED without one. */
int conmon_pause(int state_dir, bool pause);
/** conmon_detach_keys() - "ctrl-p,ctrl-q" to bytes; usage error when malformed. */
int conmon_detach_keys(const char *spec, char out[32]);
