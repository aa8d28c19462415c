/* SPDX-License-Identifier: MIT */
/* Pseudo terminals. Results are CLOEXEC descriptors; -errno with a trail. */
#pragma once
#include <stdint.h>

/** tty_open_pair() - master and slave from the "ptmx" in the devpts directory @devpts; no path is looked up for the slave (TIOCGPTPEER). */
int tty_open_pair(int devpts, int *ret_master, int *ret_slave);
/** tty_set_size() - rows and columns; zeroes leave it alone. */
int tty_set_size(int fd, uint16_t rows, uint16_t cols);
/** tty_make_controlling() - new session (unless we lead one) with @fd as its terminal. */
int tty_make_controlling(int fd);
