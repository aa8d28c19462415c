/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/cgroup/cgroup.h"

#define DEPTH_MAX 16

int cgroup_write(int dir, const char *file, const char *value)
{
	AUTO_CLOSE int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = strlen(value);
	ssize_t k;

	if (fd < 0)
		return -errno;
	do
		k = write(fd, value, n); /* in one piece: each write is a command */
	while (k < 0 && errno == EINTR);
	return k < 0 ? -errno : (size_t)k == n ? 0 : -EIO;
}

ssize_t cgroup_read(int dir, const char *file, char *out, size_t room)
{
	AUTO_CLOSE int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -errno : read_upto(fd, out, room - 1);

	if (n < 0)
		return n;
	while (n && (out[n - 1] == '\n' || out[n - 1] == ' '))
		n--;
	out[n] = '\0';
	return n;
}

static int number_behind(const char *text, const char *key, uint64_t *ret)
{
	size_t k = strlen(key);
	char number[24];

	for (const char *p = text; *p;) {
		size_t line = strcspn(p, "\n");

		if (line > k && strncmp(p, key, k) == 0 && p[k] == ' ') {
			(void)snprintf(number, sizeof(number), "%.*s", (int)(line - k - 1),
				       p + k + 1);
			return parse_u64(number, UINT64_MAX, ret);
		}
		p += line + (p[line] == '\n');
	}
	return -ENODATA;
}

int cgroup_key(int dir, const char *file, const char *key, uint64_t *ret)
{
	char text[4096];
	ssize_t n = cgroup_read(dir, file, text, sizeof(text));

	return n < 0 ? (int)n : number_behind(text, key, ret);
}

int cgroup_key_of(int fd, const char *key, uint64_t *ret)
{
	char text[4096];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return number_behind(text, key, ret);
}

/* The kernel announces a change of cgroup.events as POLLPRI. */
int cgroup_freeze(int dir, bool frozen, int timeout_ms)
{
	int64_t end = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
	AUTO_CLOSE int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd p = {.fd = events, .events = POLLPRI};
	int r = events < 0 ? -errno : cgroup_write(dir, "cgroup.freeze", frozen ? "1" : "0");

	while (r == 0) {
		int64_t left = end - clock_monotonic_ns();
		uint64_t now;
		char seen[512];

		r = cgroup_key(dir, "cgroup.events", "frozen", &now);
		if (r < 0 || (now != 0) == frozen)
			return r;
		if (left <= 0)
			return -ETIMEDOUT;
		(void)!pread(events, seen, sizeof(seen), 0); /* what was seen is no news */
		r = cgroup_key(dir, "cgroup.events", "frozen", &now);
		if (r < 0 || (now != 0) == frozen)
			return r;
		if (poll(&p, 1, (int)(left / NS_PER_MS) + 1) < 0 && errno != EINTR)
			return -errno;
	}
	return r;
}

/* Children first; files of a cgroup go with it. */
static int remove_below(int parent, const char *name, unsigned depth)
{
	AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	fd = -EBADF;
	while (depth && (e = readdir(d)) != NULL)
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			(void)remove_below(dirfd(d), e->d_name, depth - 1);
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* A pod's cgroup goes with the last that is in it. systemd does that itself for what is in its scopes. */
static void leave_pod(const char *dir)
{
	char pod[CGROUP_PATH_MAX];
	const char *end = strrchr(dir, '/'), *name;

	if (!end || (size_t)(end - dir) >= sizeof(pod))
		return;
	memcpy(pod, dir, (size_t)(end - dir));
	pod[end - dir] = '\0';
	name = strrchr(pod, '/');
	if (name && strncmp(name + 1, CGROUP_POD_PREFIX, strlen(CGROUP_POD_PREFIX)) == 0)
		(void)rmdir(pod);
}

int cgroup_remove(const char *dir)
{
	int r = 0;

	/* Where there is nothing below, which is nearly always, one call does it. */
	if (rmdir(dir) < 0) {
		if (errno == ENOENT)
			return 0;
		r = remove_below(AT_FDCWD, dir, DEPTH_MAX);
	}
	if (r == 0)
		leave_pod(dir);
	return r;
}
