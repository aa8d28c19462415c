/* SPDX-License-Identifier: MIT */
/* The running monitor's parts and what they share; only for the files of this folder. */
#pragma once
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/conmon/config.h"
#include "pkg/conmon/detach.h"
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

struct monitor {
	struct conmon_config cfg;
	struct rt_launched run;
	struct conmon_state state;
	char boot_id[37];
	int state_dir, data_dir, trash_dir, oom_events;
	int signal_fd, listen_fd, pty_slave;
	bool root_lost; /* its server died first */
	bool exited;
	int exit_status;
	int64_t kill_at_ns, timeout_at_ns; /* CLOCK_MONOTONIC; 0: never */
	int64_t drain_since_ns;
	struct stream out, err;
	struct input in;
	struct log_writer log;
	struct client clients[CLIENTS_MAX];
};

/* monitor.c */
int monitor_main(void);
void monitor_stop(struct monitor *m, int sig, int64_t grace_ms);
int monitor_signal(struct monitor *m, int sig);

/* setup.c: everything before the loop. */
int setup_monitor(struct monitor *m, struct rt_plan *ret_plan);
int setup_stdio(struct monitor *m, struct rt_stdio *ret);
void setup_streams(struct monitor *m);

/* stream.c: payload output to log, foreground, clients. */
void stream_pump(struct monitor *m, struct stream *s);
bool stream_wants_read(const struct stream *s);
bool stream_is_pending(const struct stream *s);
void stream_forget_client(struct monitor *m, unsigned i);
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
void control_tell_all(struct monitor *m, enum cm_type type, int a, const char *words);
void control_detach(struct monitor *m, unsigned i);

/* finish.c: after the payload. */
void finish_record(struct monitor *m); /* pid 1 is dead: helpers, exit file, state */
void finish_launch_failed(struct monitor *m);
void finish(struct monitor *m) __attribute__((noreturn));
