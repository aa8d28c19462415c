/* SPDX-License-Identifier: MIT */
/* A program that serves one network namespace from outside (slirp4netns, pasta): start, readiness, end. */
#pragma once
#include "net/plan.h"
#include "pkg/sys/process.h"

struct net_helper {
	const char *name; /* for messages; static storage */
	pid_t pid;
	int pidfd;
	int ready_fd; /* readable (a digit) once the device is up; EOF before that: the helper died */
	int exit_fd; /* closing it ends slirp4netns; each also ends when we die */
	int log_fd; /* what it writes to stderr, for the error message; may be closed at any time */
};

/* clang-format off */
#define NET_HELPER_INIT {.pid = -1, .pidfd = -EBADF, .ready_fd = -EBADF, .exit_fd = -EBADF, .log_fd = -EBADF}
/* clang-format on */

/**
 * net_helper_start() - spawn what @n->mode names for the namespaces of process @pid; does not wait
 * The caller is uid 0 with all capabilities in the user namespace that is the parent of @pid's, and
 * @pid is its child not yet reaped (so the number cannot be another's).
 */
int net_helper_start(const struct net_plan *n, pid_t pid, struct net_helper *ret);
/** net_helper_wait_ready() - wait at most @timeout_ms; on failure the helper's last words are in the trail. */
int net_helper_wait_ready(struct net_helper *h, int timeout_ms);
/** net_helper_done() - end and reap it, close everything; NULL-safe, half-made safe, keeps errno and trail. */
void net_helper_done(struct net_helper *h);

/**
 * net_helper_find() - absolute path of a usable program for @mode (NET_SLIRP or NET_PASTA)
 * -CE_HOST_SETUP with the line that mends it when there is none or /dev/net/tun cannot be opened.
 * @runtime_dir: where the answer of slirp4netns's version check is remembered (-1: asked every time).
 * @ret_warning: NULL, or a line to show once: the version has known holes (N02). Static storage.
 */
int net_helper_find(enum net_mode mode, int runtime_dir, const char **ret_path,
		    const char **ret_warning);
/** net_helper_mode() - what "slirp4netns" or "pasta", a setting's, means; NULL: net_default_mode(). Usage error. */
int net_helper_mode(const char *setting, enum net_mode *ret);
/** net_default_mode() - NET_SLIRP; NET_PASTA where only that is installed. */
enum net_mode net_default_mode(void);
