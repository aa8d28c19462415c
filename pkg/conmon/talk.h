/* SPDX-License-Identifier: MIT */
/* The client's end of protocol.h, and of one conversation with a terminal. */
#pragma once
#include <signal.h>
#include <stdbool.h>

#include "pkg/conmon/protocol.h"
#include "pkg/sys/tty.h"

int talk_send(int fd, enum cm_type type, int a, int b, const void *p, size_t n);
/** talk_receive() - one message: 1, 0 at the end, or -errno (no trail). */
int talk_receive(int fd, struct cm_head *h, char *data, size_t room);
/** talk_connect() - to the monitor in @state_dir; -ESRCH (no trail) when there is none. */
int talk_connect(int state_dir);

struct session {
	int fd;
	bool relay_stdin; /* descriptor 0 is ours to read */
	bool tty; /* the container has a terminal: ours goes raw */
	bool sig_proxy;
	bool print_output; /* CM_OUTPUT comes here (attach), not straight to our descriptors */
	struct tty_raw raw; /* already raw: session_run() gives it back */
};

/**
 * session_block_signals() - what a session forwards waits from now on
 * For the foreground this is before the launch: the payload may be up, and known to be, before we are.
 */
int session_block_signals(sigset_t *ret_set, sigset_t *ret_before);
/** session_run() - until the container ends or we detach. */
int session_run(const struct session *s, int *ret_exit, bool *ret_detached);
