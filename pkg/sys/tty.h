/* SPDX-License-Identifier: MIT */
/* Pseudo terminals. Results are CLOEXEC descriptors; -errno with a trail. */
#pragma once
#include <errno.h>
#include <stdint.h>
#include <termios.h>

#include "pkg/base/sbuf.h"

/** tty_open_pair() - master and slave from the "ptmx" in the devpts directory @devpts; no path is looked up for the slave (TIOCGPTPEER). */
int tty_open_pair(int devpts, int *ret_master, int *ret_slave);
/** tty_set_size() - rows and columns; zeroes leave it alone. */
int tty_set_size(int fd, uint16_t rows, uint16_t cols);
/**
 * tty_read_secret() - one line from terminal @fd, not shown while it is typed; without its newline
 * @prompt: written to @out once typing is hidden.
 * A signal meanwhile takes its course once the terminal is as it was; -CE_INTERRUPTED if we live on.
 */
int tty_read_secret(int fd, int out, const char *prompt, struct sbuf *ret);
/** tty_make_controlling() - new session (unless we lead one) with @fd as its terminal. */
int tty_make_controlling(int fd);

/* The caller's terminal while what is typed belongs to somebody else. */
struct tty_raw {
	int fd; /* borrowed; -EBADF: nothing to give back */
	struct termios before;
};
#define TTY_RAW_INIT         \
	{                    \
		.fd = -EBADF \
	}

/** tty_raw_enter() - every byte as it is typed, no echo, no signals; without a terminal at @fd nothing happens. */
void tty_raw_enter(struct tty_raw *t, int fd);
/** tty_raw_leave() - as it was before; may be called again. */
void tty_raw_leave(struct tty_raw *t);
