/* SPDX-License-Identifier: MIT */
/*
 * Writers hold the file's lock shared, who renames it holds it alone: what was written to a file
 * stands there before a reader learns that another one took its name. A lock that is not to be had at
 * once (somebody was stopped with it) is done without.
 */
#include "storage/event.h"

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

#define PARTS_MAX 10
#define HEAD_MAX 256
#define NAME_MEMBER_MAX 512

/* @head and the strings are borrowed. Return: how many of @iov. */
static int compose(const char *type, const char *status, const char *id, const char *name,
		   const char *body, const char *extra, char head[HEAD_MAX],
		   struct iovec iov[PARTS_MAX])
{
	const char *parts[PARTS_MAX] = {head};
	char when[CLOCK_TEXT_MAX];
	int n = 1;

	clock_format_utc(clock_now_ns(), when);
	(void)snprintf(head, HEAD_MAX,
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
	return n;
}

static void append(int dir, const struct iovec *iov, int n)
{
	AUTO_CLOSE int fd = open_shared(dir);

	if (fd < 0)
		return;
	(void)!writev(fd, iov, n);
	rotate(fd, dir);
}

void event_append(int dir, const char *lines, size_t n)
{
	append(dir, &(struct iovec){(void *)(size_t)lines, n}, 1);
}

void event_write(int dir, const char *type, const char *status, const char *id, const char *name,
		 const char *body, const char *extra)
{
	struct iovec iov[PARTS_MAX];
	char head[HEAD_MAX];

	append(dir, iov, compose(type, status, id, name, body, extra, head, iov));
}

void event_write_each(int dir, const char *type, const char *const *statuses, unsigned n,
		      const char *id, const char *name, const char *body)
{
	struct iovec iov[EVENT_EACH_MAX * PARTS_MAX];
	char heads[EVENT_EACH_MAX][HEAD_MAX];
	int parts = 0;

	for (unsigned i = 0; i < n && i < EVENT_EACH_MAX; i++)
		parts += compose(type, statuses[i], id, name, body, NULL, heads[i], iov + parts);
	append(dir, iov, parts);
}

/* "Name":"…" of a name in any letters. */
static const char *name_member(const char *name, char body[NAME_MEMBER_MAX])
{
	size_t n = (size_t)snprintf(body, NAME_MEMBER_MAX, "\"Name\":\"");

	for (const char *p = name; *p && n < NAME_MEMBER_MAX - 4; p++) {
		if ((unsigned char)*p < ' ')
			continue;
		if (*p == '"' || *p == '\\')
			body[n++] = '\\';
		body[n++] = *p;
	}
	body[n++] = '"';
	body[n] = '\0';
	return body;
}

void event_named(int dir, const char *type, const char *status, const char *id, const char *name)
{
	char body[NAME_MEMBER_MAX];

	event_write(dir, type, status, id, NULL, name_member(name, body), NULL);
}

/* --- before the change --------------------------------------------------------------------------- */

void event_begin(int dir, const char *type, const char *status, const char *id, const char *name,
		 const char *body, struct event_pending *ret)
{
	AUTO_CLOSE int fd = -EBADF;
	struct iovec iov[PARTS_MAX];
	char head[HEAD_MAX];
	int n = compose(type, status, id, name, body, NULL, head, iov);

	*ret = (struct event_pending){.fd = -EBADF};
	(void)snprintf(ret->name, sizeof(ret->name), EVENTS_PENDING "/%d-%llx", (int)getpid(),
		       (unsigned long long)clock_monotonic_ns());
	for (int tries = 0; tries < 2 && fd < 0; tries++) {
		fd = openat(dir, ret->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd < 0 && (errno != ENOENT ||
			       (mkdirat(dir, EVENTS_PENDING, 0700) < 0 && errno != EEXIST)))
			return;
	}
	/* Locked before there is anything to read: an empty one is nobody's. */
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || writev(fd, iov, n) < 0)
		(void)unlinkat(dir, ret->name, 0);
	else
		ret->fd = TAKE_FD(fd);
}

void event_begin_named(int dir, const char *type, const char *status, const char *id,
		       const char *name, struct event_pending *ret)
{
	char body[NAME_MEMBER_MAX];

	event_begin(dir, type, status, id, NULL, name_member(name, body), ret);
}

void event_over(int dir, struct event_pending *p)
{
	if (p->fd < 0)
		return;
	(void)unlinkat(dir, p->name, 0);
	closep(&p->fd);
}
