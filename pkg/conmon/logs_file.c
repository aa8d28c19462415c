/* SPDX-License-Identifier: MIT */
/*
 * Logs in files. They are opened from the newest to the oldest: a rotation meanwhile only moves
 * them to higher numbers, so one may be met twice (told by its inode) but none is missed. A file
 * that is open stays readable after its rename; following goes on in the file that took its name.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/conmon/logs_internal.h"

#define READ_SIZE 65536
#define OPEN_TRIES 100
#define RECORD_MAX (1U << 20) /* of a foreign file; ours are far below */

/* Print the whole lines of what was read, keep the rest. @at_end: nothing will complete that rest. */
static int print_lines(struct log_files *l, bool at_end)
{
	struct sbuf *in = &l->in;
	size_t at = 0;
	int r = 0;

	while (r == 0 && at < in->len) {
		char *nl = memchr(in->s + at, '\n', in->len - at);
		size_t n = nl ? (size_t)(nl - in->s) - at : in->len - at;
		struct log_record rec;

		if (!nl && !at_end && n < RECORD_MAX)
			break;
		if (log_record_parse(l->driver, in->s + at, n, &l->scratch, &rec))
			r = log_printer_add(l->p, &rec);
		at += n + (nl != NULL);
	}
	if (at) {
		memmove(in->s, in->s + at, in->len - at);
		in->len -= at;
		in->s[in->len] = '\0';
	}
	return r;
}

/* From the descriptor's offset to the present end. */
static int print_file(struct log_files *l, int fd)
{
	struct sbuf *in = &l->in;

	for (;;) {
		ssize_t n;
		int r;

		sbuf_grow(in, READ_SIZE);
		n = read(fd, in->s + in->len, READ_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_new(-errno, "read logs");
		if (n == 0)
			return 0;
		in->len += (size_t)n;
		in->s[in->len] = '\0';
		r = print_lines(l, false);
		if (r < 0)
			return r;
	}
}

static int open_log(const char *path, unsigned i)
{
	AUTO_FREE char *name = i ? xasprintf("%s.%u", path, i) : xstrdup(path);
	AUTO_CLOSE int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	return TAKE_FD(fd);
}

static bool same_inode(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

void log_set_done(struct log_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		closep(&s->fds[i]);
	s->n = 0;
}

static bool has_inode(const struct log_set *s, int fd)
{
	for (unsigned i = 0; i < s->n; i++)
		if (same_inode(fd, s->fds[i]))
			return true;
	return false;
}

/* Newest first, up to where @last is. Return: 1 when it was met, 0 when there is no more. */
static int open_newer(const char *path, int last, struct log_set *ret)
{
	bool missed = false;

	for (unsigned i = 0; i < LOG_FILES_MAX; i++) {
		int fd = open_log(path, i);

		/* One number is free between two renames of a rotation: what had it has the next. */
		if (fd == -ENOENT && !missed) {
			missed = true;
			continue;
		}
		if (fd == -ENOENT)
			return 0;
		if (fd < 0)
			return err_new(fd, "open log %s", path);
		missed = false;
		if (last >= 0 && same_inode(fd, last)) {
			(void)close(fd);
			return 1;
		}
		if (has_inode(ret, fd))
			(void)close(fd);
		else
			ret->fds[ret->n++] = fd;
	}
	return 0;
}

/* One rotation while we open is seen by the inodes; after two a newer file may have come behind an older one. */
static bool was_overtaken(const char *path, const struct log_set *s)
{
	bool found = !s->n;

	for (unsigned i = 0; i < 2 && !found; i++) {
		AUTO_CLOSE int fd = open_log(path, i);

		found = fd >= 0 && same_inode(fd, s->fds[0]);
	}
	return !found;
}

/* All, or those that are newer than @last, which is met unless it has no name any more. */
static int log_set_open(const char *path, int last, struct log_set *ret)
{
	struct stat st;
	int r = 0;

	ret->n = 0;
	for (unsigned tries = 0; tries < OPEN_TRIES; tries++) {
		log_set_done(ret);
		r = open_newer(path, last, ret);
		if (r < 0 || ((r || last < 0 || fstat(last, &st) < 0 || !st.st_nlink) &&
			      !was_overtaken(path, ret)))
			break;
	}
	return r < 0 ? r : 0;
}

/* Print @s from oldest to newest; the newest stays open. */
static int print_set(struct log_files *l, struct log_set *s)
{
	int r = 0;

	while (s->n && r == 0) {
		int fd = s->fds[--s->n];

		if (l->cur >= 0)
			r = print_lines(l, true); /* the end of a rotated file is final */
		closep(&l->cur);
		l->cur = fd;
		if (r == 0)
			r = print_file(l, fd);
	}
	log_set_done(s);
	return r;
}

static int watch_dir(const char *path)
{
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");

	if (fd < 0)
		return err_new(-errno, "inotify");
	if (inotify_add_watch(fd, dir,
			      IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF | IN_DELETE_SELF) <
	    0)
		return err_new(-errno, "watch %s", dir);
	return TAKE_FD(fd);
}

int log_files_open(struct log_files *l, const char *path, enum conmon_log driver,
		   struct log_printer *p, bool follow)
{
	*l = (struct log_files){.path = path,
				.driver = driver,
				.p = p,
				.watch = -EBADF,
				.cur = -EBADF,
				.in = SBUF_INIT,
				.scratch = SBUF_INIT};
	if (driver != CONMON_LOG_K8S_FILE && driver != CONMON_LOG_JSON_FILE)
		return err_new(-CE_UNSUPPORTED,
			       "this container's log driver keeps no logs: reading them is");
	if (follow)
		l->watch = watch_dir(path);
	return follow && l->watch < 0 ? l->watch : 0;
}

void log_files_done(struct log_files *l)
{
	closep(&l->watch);
	closep(&l->cur);
	sbuf_done(&l->in);
	sbuf_done(&l->scratch);
}

int log_files_first(struct log_files *l)
{
	struct log_set set = {0};
	int r = log_set_open(l->path, -1, &set);

	if (r == 0 && l->p->o->tail >= 0)
		r = log_set_tail(&set, l->driver, (uint64_t)l->p->o->tail);
	if (r == 0)
		r = print_set(l, &set);
	log_set_done(&set);
	return r;
}

int log_files_more(struct log_files *l)
{
	struct log_set next = {0};
	char events[4096] __attribute__((aligned(8)));
	int r;

	while (l->watch >= 0 && read(l->watch, events, sizeof(events)) > 0)
		;
	r = l->cur >= 0 ? print_file(l, l->cur) : 0;
	if (r == 0)
		r = log_set_open(l->path, l->cur, &next);
	/* Rotated: what came into the old file between our read and its rename comes first. */
	if (r == 0 && next.n && l->cur >= 0)
		r = print_file(l, l->cur);
	if (r == 0)
		r = print_set(l, &next);
	log_set_done(&next);
	return r;
}
