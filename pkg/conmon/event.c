/* SPDX-License-Identifier: MIT */
/*
 * Writers hold the file's lock shared, who renames it holds it alone: what was written to a file
 * stands there before a reader learns that another one took its name. A lock that is not to be had at
 * once (somebody was stopped with it) is done without.
 */
#include "pkg/conmon/event.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"

#define LOCK_TRIES 20

static bool has_name(int fd, int dir)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dir, EVENTS_FILE, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_shared(int dir)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};

	for (int tries = 0;; tries++) {
		AUTO_CLOSE int fd = openat(dir, EVENTS_FILE,
					   O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
						   O_NOCTTY | O_CLOEXEC,
					   0600);

		if (fd < 0 || tries == LOCK_TRIES)
			return fd < 0 ? -errno : TAKE_FD(fd);
		if (flock(fd, LOCK_SH | LOCK_NB) == 0 && has_name(fd, dir))
			return TAKE_FD(fd);
		(void)nanosleep(&pause, NULL);
	}
}

static void rotate(int fd, int dir)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > (off_t)EVENTS_MAX &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 && has_name(fd, dir))
		(void)renameat(dir, EVENTS_FILE, dir, EVENTS_OLD);
}

void event_write(int dir, const char *type, const char *status, const char *id, const char *name,
		 const char *body, const char *extra)
{
	AUTO_CLOSE int fd = open_shared(dir);
	char head[256], when[CLOCK_TEXT_MAX];
	const char *parts[10] = {head};
	struct iovec iov[ARRAY_LEN(parts)];
	int n = 1;

	if (fd < 0)
		return;
	clock_format_utc(clock_now_ns(), when);
	(void)snprintf(head, sizeof(head),
		       "{\"Time\":\"%s\",\"Type\":\"%s\",\"Status\":\"%s\",\"ID\":\"%.128s\"", when,
		       type, status, id ? id : "");
	if (name) {
		parts[n++] = ",\"Name\":\"";
		parts[n++] = name;
		parts[n++] = "\"";
	}
	if (body) {
		parts[n++] = ",";
		parts[n++] = body;
	}
	if (extra) {
		parts[n++] = ",";
		parts[n++] = extra;
	}
	parts[n++] = "}\n";
	for (int i = 0; i < n; i++)
		iov[i] = (struct iovec){(void *)(size_t)parts[i], strlen(parts[i])};
	(void)!writev(fd, iov, n);
	rotate(fd, dir);
}

void event_named(int dir, const char *type, const char *status, const char *id, const char *name)
{
	char body[512] = "\"Name\":\"";
	size_t n = strlen(body);

	for (const char *p = name; *p && n < sizeof(body) - 4; p++) {
		if ((unsigned char)*p < ' ')
			continue;
		if (*p == '"' || *p == '\\')
			body[n++] = '\\';
		body[n++] = *p;
	}
	body[n++] = '"';
	body[n] = '\0';
	event_write(dir, type, status, id, NULL, body, NULL);
}
