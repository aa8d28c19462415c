/* SPDX-License-Identifier: MIT */
/* Between the caller's terminal and a process started by exec. One thread; restores the terminal on return. */
#pragma once
#include <stdbool.h>

#include "pkg/runtime/exec.h"

struct exec_stdio {
	int child[3]; /* what the payload gets; owned where they are not 0..2 */
	int ours[3]; /* our ends of pipes; -EBADF where the caller's descriptor passes as it is */
};
#define EXEC_STDIO_INIT                        \
	{                                      \
		{-EBADF, -EBADF, -EBADF},      \
		{                              \
			-EBADF, -EBADF, -EBADF \
		}                              \
	}

int exec_stdio_open(struct exec_stdio *io, bool interactive, bool detached, bool terminal);
void exec_stdio_done(struct exec_stdio *io);

/**
 * exec_relay() - until the payload has exited, or the detach keys were typed: then it goes on without us
 * Return: 0, 1 when it was left (*ret_exit is 0), or a code.
 * Signals that end a program go to the payload; window changes to its pty.
 */
int exec_relay(struct exec_stdio *io, struct rt_exec_started *s, const char *detach_keys,
	       bool interactive, int *ret_exit);
/** exec_leave() - what has a terminal goes on without us: somebody stays who has that, and reads it. */
int exec_leave(const struct rt_exec_started *s);
