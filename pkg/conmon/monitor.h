/* SPDX-License-Identifier: MIT */
/* The running monitor's parts and what they share; only for the files of this folder. */
#pragma once
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/port_change.h"
#include "net/ports.h"
#include "pkg/conmon/bridge.h"
#include "pkg/conmon/config.h"
#include "pkg/conmon/detach.h"
#include "pkg/conmon/health.h"
#include "pkg/conmon/log_write.h"
#include "pkg/conmon/protocol.h"
#include "pkg/conmon/sink.h"
#include "pkg/conmon/state.h"
#include "pkg/runtime/launch.h"

#define CLIENTS_MAX 60 /* a bit each in stream.waiting; slot 0 is the cuddy that started us */
#define CONTROL 0
#define TYPISTS_MAX 16 /* clients that may send stdin: each has at most one message in the buffer */
#define INPUT_MAX 131072
#define POLL_MAX (CLIENTS_MAX + 12)

struct client {
	int fd; /* -EBADF: a free slot */
	bool attached;
	bool awaits_restart, awaits_check,
		awaits_networks; /* asked for CM_RESTART, CM_CHECK, CM_NETWORKS */
	bool waits_endlessly; /* for a stop that no SIGKILL follows */
	bool may_type;
	bool owes_ack; /* its last CM_STDIN lies in the input buffer */
	bool relays_stdin; /* CONTROL: cuddy reads the terminal for us */
	struct detach detach;
	int64_t stalled_ns; /* since when it takes nothing; 0: it does */
	int64_t patience_ns; /* how much longer it may hold up the container */
	int64_t seen_ns; /* when patience was last topped up */
};

/* One output of the payload, and the chunk of it that not everybody has taken yet. */
struct stream {
	int fd; /* pipe or pty master; -EBADF: ended */
	int tag; /* 1 stdout, 2 stderr */
	char *buf;
	size_t len, done; /* chunk; bytes of it the foreground has */
	size_t last_drain; /* read since pid 1 ended */
	bool big; /* the buffer's pages are worth giving back */
	uint64_t waiting; /* clients that still need the chunk */
	struct sink front; /* the foreground caller's own descriptor */
};

struct input {
	int fd; /* payload's stdin pipe or pty master; -EBADF: closed or none */
	int front; /* the foreground caller's stdin when we read it ourselves */
	bool front_polls; /* it is no regular file */
	bool ended; /* close the payload's stdin once the buffer is empty */
	size_t head, len;
	char buf[INPUT_MAX];
};

/* The health check that is under way, and what it follows. */
struct check {
	pid_t pid; /* its stage; 0: none runs */
	int out, report; /* what it prints; how its start went */
	bool is_startup, timed_out;
	bool started; /* the startup check is over */
	uint32_t successes, failures; /* of the startup check, in a row */
	int64_t next_at_ns, kill_at_ns; /* CLOCK_MONOTONIC; 0: never */
	pid_t held; /* it timed out: the stopped command, until what is below it is dead */
	unsigned rounds, quiet; /* of that */
	int said; /* memfd: what it has printed so far; -EBADF before the first */
	size_t said_len;
	int64_t start_ns; /* CLOCK_REALTIME */
	int exit_code; /* -1: it took too long */
	uint32_t streak; /* failures in a row */
};

#define ADDED_PORTS_MAX 256

struct monitor {
	struct conmon_config cfg;
	char renamed[CM_NAME_MAX]; /* by CM_NAME; empty: its name is still that of the start */
	char health_dir[HEALTH_DIR_MAX]; /* cfg.health_log_dir since CM_HEALTH */
	struct rt_launched run;
	struct conmon_state state;
	char boot_id[37];
	int state_dir, data_dir, trash_dir;
	int cgroup; /* the container's; -EBADF without one */
	struct oom_watch {
		int fd; /* memory.events; -EBADF without one */
		uint64_t before, told; /* kills: pid 1 lived on after these; told of by events */
		int64_t quiet_until_ns; /* CLOCK_MONOTONIC; 0: it is watched */
	} oom;
	int signal_fd, listen_fd, pty_slave;
	bool pinned; /* this run is one without a process: run.pins */
	bool is_set_up; /* setup_rest() was here */
	int held; /* connected to pid 1 that waits for the word; -EBADF: it has had it */
	bool stops_with_hooks; /* the plan has hooks of poststop */
	bool is_foreign; /* pid 1 was made by a runtime that wants to be told of its end */
	bool root_lost; /* its server died first */
	bool exited, recorded; /* pid 1 is dead; and it is written down */
	int exit_status;
	bool signalled; /* exit_status is of a signal */
	bool stop_asked; /* by CM_STOP */
	bool may_restart; /* nobody asked for the end */
	bool restart_asked; /* by somebody, whatever the policy */
	enum conmon_reason reason; /* why we ended it; CONMON_BY_ITSELF: we did not */
	bool kept_are_gone; /* descriptors of process.keep_fds */
	unsigned n_ports; /* descriptors from CM_FD_PORTS on, as the plan has them */
	unsigned char port_gone[NET_PUBLISHED_MAX / 8]; /* a bit for each: not published any longer */
	struct added_port {
		int fd;
		uint8_t proto;
		uint16_t container_port;
	} added[ADDED_PORTS_MAX]; /* since the start */
	unsigned n_added;
	uint32_t attempts; /* restarts since the last good run */
	int64_t run_since_ns, backoff_ns;
	int64_t kill_at_ns, timeout_at_ns, restart_at_ns; /* CLOCK_MONOTONIC; 0: never */
	int64_t drained_at_most_ns; /* the end is recorded then, whatever is still unread */
	struct stream out, err;
	struct input in;
	struct log_writer log;
	struct check check;
	int members; /* read end of CONMON_MEMBERS; -EBADF: we hold no pod that ends with its members */
	int notify_in; /* what the payload says to its service manager; -EBADF: nobody listens */
	bool is_ready; /* READY=1 was passed on */
	struct bridge bridge;
	struct revival { /* revive.c */
		bool helper, proxy; /* is dead, and wanted */
		int64_t at_ns; /* CLOCK_MONOTONIC: the next try; 0: none */
		int64_t last_ns; /* the last one, … */
		unsigned n; /* … and how many there were shortly after each other */
	} revival;
	struct client clients[CLIENTS_MAX];
};

/* members.c: a pod that ends with the last of its containers */
/** members_begin() - of who holds one; before anybody can know that we run. */
int members_begin(struct monitor *m);
/** members_read() - was the one that has gone the last? Then the run is to end. */
void members_read(struct monitor *m);

/* monitor.c */
int monitor_main(void);
/** monitor_launch() - start a run: pid 1 has exec'ed, or nothing is left of it. */
int monitor_launch(struct monitor *m);
/** monitor_begin() - let pid 1 go on that waits. 0, -ESRCH: none does; or why it did not, with a trail. */
int monitor_begin(struct monitor *m);
/** monitor_serve() - the event loop, until @is_over. */
void monitor_serve(struct monitor *m, bool (*is_over)(const struct monitor *m));
void monitor_write_state(struct monitor *m);
void monitor_event(const struct monitor *m, const char *status, const char *extra);

/* stop.c: what ends a run. @why: who wants it; the policy starts again only what ended otherwise. */
void stop_run(struct monitor *m, enum conmon_reason why, int sig, int64_t grace_ms);
/** stop_abandoned() - one who waited endlessly for a stop has gone: with the last of them it runs on. */
void stop_abandoned(struct monitor *m);
/** pause_run() - freeze or thaw its cgroup. */
int pause_run(struct monitor *m, bool pause);
/** stop_signal() - from a user, for pid 1. */
int stop_signal(struct monitor *m, int sig);
void stop_check_deadlines(struct monitor *m, int64_t now);

/* pinned.c: a run without a process, which keeps what the members of a pod share */
/** pinned_begin() - after the launch: say which descriptors these are. */
void pinned_begin(struct monitor *m);
/** pinned_signal() - what pid 1 of a pod would do at @sig. */
void pinned_signal(struct monitor *m, int sig);
/** pinned_end() - the run is over, and with it what nobody else is in. */
void pinned_end(struct monitor *m);
/** pinned_visit() - a process in the run's namespaces: pid 1, or one until pinned_leave(). Negative: an error. */
pid_t pinned_visit(struct monitor *m);
void pinned_leave(struct monitor *m, pid_t visitor);

/* check.c: health */
void check_begin(struct monitor *m); /* a run begins */
/** check_reaped() - was @pid the check's? */
bool check_reaped(struct monitor *m, pid_t pid, int status);
void check_deadlines(struct monitor *m, int64_t now);
void check_end(struct monitor *m); /* the run is over */
/** check_now() - 0: one is under way; -ENOENT, -ESRCH: there is none to be had. No trail. */
int check_now(struct monitor *m);
/**
 * check_replace() - other checks from now on; @fds of their commands are taken over.
 * @log_dir: "" for our own. -EINVAL. No trail.
 */
int check_replace(struct monitor *m, const struct cm_health *h, const char *log_dir, int fds[2]);

/* check_log.c: what checks print, and where it is kept */
void check_say_anew(struct monitor *m); /* of another check, or other words */
void check_say(struct monitor *m, const char *words);
void check_read(struct monitor *m); /* what the check prints now */
void check_log_begin(const struct monitor *m); /* a run begins */
void check_log_again(const struct monitor *m); /* where and how much may have changed */
/** check_log_result() - of the check that is over: first into the log, then @status for all, then an event. */
void check_log_result(struct monitor *m, enum conmon_health status);
void check_set_status(struct monitor *m, enum conmon_health h);

/* publish.c: ports that come and go */
/** publish_plan() - the ports of this run into @n and @fds (NET_PUBLISHED_MAX + ADDED_PORTS_MAX). */
int publish_plan(struct monitor *m, struct net_plan *n, int *fds);
/** publish_serve() - a proxy for them. */
int publish_serve(struct monitor *m, const struct net_plan *n, const int *fds);
/** publish_change() - @fd is taken over when it is added. 0, -ENOENT: there is no such port; or an error. No trail. */
int publish_change(struct monitor *m, const struct net_port_change *c, int *fd);
void publish_close(struct monitor *m);
/** revive_helpers() - others in place of a network helper or a proxy that died before the payload. */
void revive_helpers(struct monitor *m);

/* notify.c: the service manager that started us */
int notify_open(struct monitor *m);
void notify_started(struct monitor *m);
void notify_healthy(struct monitor *m);
/** notify_exit_status() - what the monitor ends with: its service fails as its container does. */
int notify_exit_status(const struct monitor *m);
void notify_read(struct monitor *m); /* payload → manager */

/* oom.c: kills for want of memory */
void oom_begin(struct monitor *m); /* before a run */
/** oom_wanted() - what to poll for POLLPRI; -EBADF: nothing now, ask again after @quiet_until_ns. */
int oom_wanted(const struct monitor *m);
/** oom_read() - an event for what was killed. @announced: poll said so of oom_wanted(). */
void oom_read(struct monitor *m, int64_t now, bool announced);
/** oom_pardon() - whatever is going to end pid 1, it is none of the kills so far. */
void oom_pardon(struct monitor *m);
/** oom_end() - the run is over: the last event. Was anything killed that may have been pid 1? */
bool oom_end(struct monitor *m);

/* restart.c */
/** restart_is_due() - decide, once a run is over, whether another follows, and when. */
bool restart_is_due(struct monitor *m);
/** restart_cancel() - while waiting for the next run: there is none. */
void restart_cancel(struct monitor *m, enum conmon_reason why);
/** restart_set_policy() - from now on, also for a run that is due. Return: 0. */
int restart_set_policy(struct monitor *m, enum conmon_restart policy, uint32_t max);
/** restart_run() - wait and start again; false: the last run was the last. */
bool restart_run(struct monitor *m);

/* setup.c: everything before the loop. */
int setup_monitor(struct monitor *m);
/** setup_rest() - of a struct monitor: what the payload's side does not wait for; runs beside it, in the first launch. */
int setup_rest(void *monitor);
/** setup_plan() - read it, for one launch; setup_forget_plan() when that is over. */
int setup_plan(struct rt_plan *ret_plan);
void setup_forget_plan(void);
int setup_stdio(struct monitor *m, struct rt_stdio *ret);
void setup_streams(struct monitor *m);
int setup_cgroup(struct monitor *m); /* wait for CM_CGROUP, when it is to come */

/* stream.c: payload output to log, foreground, clients. */
void stream_pump(struct monitor *m, struct stream *s);
bool stream_wants_read(const struct stream *s);
bool stream_is_pending(const struct stream *s);
void stream_forget_client(struct monitor *m, unsigned i);
bool stream_wants_trim(const struct monitor *m);
void stream_trim(struct monitor *m);
void stream_end_front(struct monitor *m);

/* input.c: bytes for the payload. */
bool input_has_room(const struct input *in);
void input_add(struct monitor *m, const char *p, size_t n);
void input_pump(struct monitor *m); /* buffer → payload, then acknowledgements */
void input_read_front(struct monitor *m); /* foreground's stdin → buffer */
void input_end(struct monitor *m); /* no more will come */

/* control.c: the sockets. */
void control_accept(struct monitor *m);
void control_receive(struct monitor *m, unsigned i);
void control_close(struct monitor *m, unsigned i);
int control_send(struct client *c, enum cm_type type, int a, int b, const void *p, size_t n);
/** control_tell_networks() - answer those who asked for CM_NETWORKS; the trail is that of @r. */
void control_tell_networks(struct monitor *m, int r);
void control_tell_all(struct monitor *m, enum cm_type type, int a, const char *words);
void control_detach(struct monitor *m, unsigned i);

/** strays_end() - processes of the container that its pid 1 left to us (strays.c). */
void strays_end(void);

/* finish.c: after the payload. */
void finish_record(struct monitor *m); /* pid 1 is dead: helpers, exit file, state */
void finish_record_end(struct monitor *m); /* no other run follows: durable, and told */
void finish_run(struct monitor *m); /* let go of all that belongs to the run, for another one */
void finish_launch_failed(struct monitor *m);
void finish(struct monitor *m) __attribute__((noreturn));
