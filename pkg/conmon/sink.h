/* SPDX-License-Identifier: MIT */
/*
 * Writing to a descriptor that is shared with strangers (the caller's terminal, pipe, socket, file)
 * without ever blocking on it and without touching its open file description.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

enum sink_kind {
	SINK_PLAIN, /* regular file, or non-blocking already */
	SINK_SOCKET,
	SINK_CAREFUL, /* a pipe or terminal that could not be reopened: small writes after POLLOUT */
};

struct sink {
	int fd; /* -EBADF: nobody there */
	enum sink_kind kind;
	bool is_pipe;
};

/** sink_init() - take over @fd. */
void sink_init(struct sink *s, int fd);
void sink_drop(struct sink *s);
/** sink_write() - bytes taken, 0 when it would block now, -errno when the other side is gone. */
ssize_t sink_write(struct sink *s, const void *p, size_t n);

/**
 * sink_reopen() - a description of our own, non-blocking, for a pipe or terminal on @fd
 * Done on the caller's side, before its identity changes. Anything else, or no right to do so: a
 * plain duplicate. Return: a new descriptor (CLOEXEC), -errno.
 */
int sink_reopen(int fd, int access_mode);
