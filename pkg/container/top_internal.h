/* SPDX-License-Identifier: MIT */
/* Shared by top.c (which processes there are) and top_field.c (what is said about one). */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pkg/base/sbuf.h"

#define TOP_STATUS_MAX 16384

struct top_proc {
	pid_t host_pid, host_ppid;
	int64_t pid, ppid, pgid; /* as the container numbers them; 0: outside of it */
	char state;
	int tty;
	int64_t ticks, start; /* of cpu time; since boot */
	int64_t nice;
	uint64_t vsize;
	char comm[64];
	char status[TOP_STATUS_MAX];
};

struct top_view {
	int proc; /* the host's /proc */
	struct sbuf uid_map, gid_map; /* of the container's first process, in our terms */
	struct sbuf passwd, group; /* the container's, as it wrote them */
	struct sbuf host_passwd, host_group;
};

/** top_field() - one descriptor of one process. */
typedef void top_field(const struct top_view *v, const struct top_proc *p, struct sbuf *out);

/** top_field_find() - NULL when there is no such descriptor. */
top_field *top_field_find(const char *descriptor);
/** top_status() - the value of @key ("Uid:") in /proc/PID/status, up to the end of its line; "" without. */
void top_status(const struct top_proc *p, const char *key, char *out, size_t size);
