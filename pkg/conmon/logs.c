/* SPDX-License-Identifier: MIT */
/*
 * Reading logs. Files are opened from the newest to the oldest: a rotation meanwhile only moves
 * them to higher numbers, so one may be met twice (told by its inode) but none is missed. A file
 * that is open stays readable after its rename; following goes on in the file that took its name.
 */
#include "pkg/conmon/logs.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/conmon/log_record.h"
#include "pkg/conmon/logs_internal.h"

#define READ_SIZE 65536
#define RECORD_MAX (1U << 20) /* of a foreign file; ours are far below */
#define FLUSH_AT (1U << 18)
#define LOOK_MS 1000 /* how long an end without any sign in the directory stays unseen */

struct printer {
	const struct logs_options *o;
	enum conmon_log driver;
	struct sbuf out[2];
	bool in_line[2]; /* the last record of this stream was partial */
	int last; /* stream whose bytes wait */
	bool same_target; /* 1 and 2 are one file: keep the order between them */
	bool past_until;
	struct sbuf scratch;
};

static int flush_one(struct printer *p, int i)
{
	int r = p->out[i].len ? write_full(i + 1, p->out[i].s, p->out[i].len) : 0;

	sbuf_reset(&p->out[i]);
	return r < 0 ? err_new(r, "write logs") : 0;
}

static int flush_all(struct printer *p)
{
	int r = flush_one(p, p->last), r2 = flush_one(p, !p->last);

	return r < 0 ? r : r2;
}

static int print_record(struct printer *p, const struct log_record *rec)
{
	int i = rec->stream - 1, r = 0;
	struct sbuf *out = &p->out[i];

	if (p->o->until_ns && rec->time_ns > p->o->until_ns) {
		p->past_until = true;
		return 0;
	}
	if (p->o->since_ns && rec->time_ns < p->o->since_ns)
		return 0;
	if (i != p->last && p->same_target)
		r = flush_one(p, p->last);
	p->last = i;
	if (!p->in_line[i]) {
		char when[CLOCK_TEXT_MAX];

		if (p->o->prefix)
			sbuf_adds(out, p->o->prefix);
		if (p->o->timestamps) {
			clock_format_utc(rec->time_ns, when);
			sbuf_addf(out, "%s ", when);
		}
	}
	sbuf_add(out, rec->text, rec->len);
	if (rec->whole)
		sbuf_addc(out, '\n');
	p->in_line[i] = !rec->whole;
	if (out->len >= FLUSH_AT && r == 0)
		r = flush_one(p, i);
	return r;
}

/* Print the whole lines of @in, keep the rest in it. @at_end: nothing will complete that rest. */
static int print_lines(struct printer *p, struct sbuf *in, bool at_end)
{
	size_t at = 0;
	int r = 0;

	while (r == 0 && at < in->len) {
		char *nl = memchr(in->s + at, '\n', in->len - at);
		size_t n = nl ? (size_t)(nl - in->s) - at : in->len - at;
		struct log_record rec;

		if (!nl && !at_end && n < RECORD_MAX)
			break;
		if (log_record_parse(p->driver, in->s + at, n, &p->scratch, &rec))
			r = print_record(p, &rec);
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
static int print_file(struct printer *p, int fd, struct sbuf *in)
{
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
		r = print_lines(p, in, false);
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

/* Newest first; stops before the file that @last is (NULL set: all). */
static int log_set_open(const char *path, int last, struct log_set *ret)
{
	ret->n = 0;
	for (unsigned i = 0; i < LOG_FILES_MAX; i++) {
		int fd = open_log(path, i);

		if (fd == -ENOENT && i == 0)
			continue; /* between the renames of a rotation */
		if (fd == -ENOENT)
			return 0;
		if (fd < 0)
			return err_new(fd, "open log %s", path);
		if (last >= 0 && same_inode(fd, last)) {
			(void)close(fd);
			return 0;
		}
		if (ret->n && same_inode(fd, ret->fds[ret->n - 1]))
			(void)close(fd);
		else
			ret->fds[ret->n++] = fd;
	}
	return 0;
}

/* Print @s from oldest to newest; the newest stays open and is handed over. */
static int print_set(struct printer *p, struct log_set *s, struct sbuf *in, int *cur)
{
	int r = 0;

	while (s->n && r == 0) {
		int fd = s->fds[--s->n];

		if (*cur >= 0)
			r = print_lines(p, in, true); /* the end of a rotated file is final */
		closep(cur);
		*cur = fd;
		if (r == 0)
			r = print_file(p, fd, in);
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

static void await_change(int watch)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};
	char events[4096] __attribute__((aligned(8)));

	if (poll(&p, 1, LOOK_MS) > 0)
		while (read(watch, events, sizeof(events)) > 0)
			;
}

/*
 * The question comes before the last look: what was written before the container ended is read
 * after the answer. The watch was set before the first look, so no change falls between.
 */
static int follow(struct printer *p, const char *path, int watch, struct sbuf *in, int *cur,
		  bool (*still_running)(void *), void *arg)
{
	struct log_set next = {0};
	int r;

	for (;;) {
		bool more = still_running && still_running(arg);

		r = *cur >= 0 ? print_file(p, *cur, in) : 0;
		if (r == 0)
			r = log_set_open(path, *cur, &next);
		/* Rotated: what came into the old file between our read and its rename comes first. */
		if (r == 0 && next.n && *cur >= 0)
			r = print_file(p, *cur, in);
		if (r == 0)
			r = print_set(p, &next, in, cur);
		if (r == 0)
			r = flush_all(p);
		if (r < 0 || !more || p->past_until ||
		    (p->o->until_ns && clock_now_ns() > p->o->until_ns))
			return r;
		await_change(watch);
	}
}

static int print_all(struct printer *p, const char *path, bool (*still_running)(void *), void *arg)
{
	AUTO_CLOSE int cur = -EBADF, watch = -EBADF;
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	struct log_set set = {0};
	int r;

	if (p->o->follow) {
		watch = watch_dir(path);
		if (watch < 0)
			return watch;
	}
	r = log_set_open(path, -1, &set);
	if (r == 0 && p->o->tail >= 0)
		r = log_set_tail(&set, p->driver, (uint64_t)p->o->tail);
	if (r == 0)
		r = print_set(p, &set, &in, &cur);
	log_set_done(&set);
	if (r == 0)
		r = flush_all(p);
	if (r == 0 && p->o->follow && !p->past_until)
		r = follow(p, path, watch, &in, &cur, still_running, arg);
	return r;
}

int logs_print(const char *path, enum conmon_log driver, const struct logs_options *o,
	       bool (*still_running)(void *), void *arg)
{
	struct printer p = {.o = o,
			    .driver = driver,
			    .out = {SBUF_INIT, SBUF_INIT},
			    .scratch = SBUF_INIT,
			    .same_target = same_inode(1, 2)};
	int r;

	if (driver != CONMON_LOG_K8S_FILE && driver != CONMON_LOG_JSON_FILE)
		return err_new(-CE_UNSUPPORTED,
			       "this container's log driver keeps no logs: reading them is");
	r = print_all(&p, path, still_running, arg);
	sbuf_done(&p.out[0]);
	sbuf_done(&p.out[1]);
	sbuf_done(&p.scratch);
	return r;
}
