/* SPDX-License-Identifier: MIT */
/* Namespaces for tests of net/, made by whoever runs them. */
#pragma once
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/io.h"

static inline void die(const char *what)
{
	perror(what);
	_exit(1);
}

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write_full(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* A user namespace in which we are root and nobody else exists; false where there are none. */
static inline bool new_user_ns(int flags)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | flags) < 0)
		return false;
	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
	return true;
}
