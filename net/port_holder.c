/* SPDX-License-Identifier: MIT */
#include "net/port_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/parse.h"

#define LOOKS 4U
#define TCP_LISTENS 10U

/* The socket that has @port, from the kernel's tables. */
static bool look_for_socket(enum net_proto proto, uint16_t port, unsigned *ret_uid,
			    unsigned long *ret_inode)
{
	static const char *const tables[2][2] = {{"/proc/self/net/tcp", "/proc/self/net/tcp6"},
						 {"/proc/self/net/udp", "/proc/self/net/udp6"}};
	char line[512];

	for (unsigned i = 0; i < 2; i++) {
		AUTO_FCLOSE FILE *f = fopen(tables[proto == NET_UDP][i], "re");
		unsigned local, state;

		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "%*u: %*[0-9A-F]:%x %*s %x %*s %*s %*s %u %*u %lu", &local,
				   &state, ret_uid, ret_inode) == 4 &&
			    local == port && (proto == NET_UDP || state == TCP_LISTENS))
				return true;
	}
	return false;
}

/* A table that changes while it is read may hide a line: on a busy host a second look finds it. */
static bool find_socket(enum net_proto proto, uint16_t port, unsigned *ret_uid,
			unsigned long *ret_inode)
{
	for (unsigned i = 0; i < LOOKS; i++)
		if (look_for_socket(proto, port, ret_uid, ret_inode))
			return true;
	return false;
}

static bool has_socket(const char *pid, const char *want)
{
	char path[300], target[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		found = strcmp(target, want) == 0;
	}
	if (d)
		(void)closedir(d);
	return found;
}

static void read_name(const char *pid, char *out, size_t size)
{
	AUTO_FCLOSE FILE *f = NULL;
	char path[300];

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(out, (int)size, f))
		(void)snprintf(out, size, "gone");
	out[strcspn(out, "\n")] = '\0';
	for (char *c = out; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

bool net_port_holder(enum net_proto proto, uint16_t port, struct net_holder *ret)
{
	struct net_holder h = {0};
	unsigned long inode;
	struct dirent *e;
	char want[64];
	DIR *proc;

	if (!find_socket(proto, port, &h.uid, &inode))
		return false;
	(void)snprintf(want, sizeof(want), "socket:[%lu]", inode);
	proc = opendir("/proc");
	while (proc && !h.pid && (e = readdir(proc))) {
		uint32_t pid;

		if (parse_u32(e->d_name, INT32_MAX, &pid) < 0 || !has_socket(e->d_name, want))
			continue;
		h.pid = (pid_t)pid;
		read_name(e->d_name, h.name, sizeof(h.name));
	}
	if (proc)
		(void)closedir(proc);
	*ret = h;
	return true;
}
