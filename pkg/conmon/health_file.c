/* SPDX-License-Identifier: MIT */
/*
 * The old log is read twice, to count and to copy, and the new one is written beside it: its size is
 * no matter of memory. It is read() and not mapped, for in a directory of the user's anybody may cut it.
 */
#include "pkg/conmon/health.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/utf8.h"
#include "pkg/sys/random.h"

#define CHUNK 4096
#define RESULT_BEGINS "{\"Start\":"
#define REPLACEMENT "\xef\xbf\xbd"

/* --- writing ---------------------------------------------------------------------------------- */

struct out {
	int fd; /* negative: into @buf, which is large enough */
	bool quoted; /* it is JSON inside of a JSON string */
	char *buf;
	size_t n;
	int error;
};

static void flush(struct out *o)
{
	if (o->error == 0)
		o->error = write_full(o->fd, o->buf, o->n);
	o->n = 0;
}

static void put(struct out *o, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (o->fd >= 0 && o->n + 2 > CHUNK)
			flush(o);
		if (o->quoted && (p[i] == '"' || p[i] == '\\'))
			o->buf[o->n++] = '\\';
		o->buf[o->n++] = p[i];
	}
}

static void puts_to(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

/* As a JSON string holds it. NUL would be JSON too, and more than many a reader takes. */
static void put_text(struct out *o, const char *p, size_t n)
{
	char hex[8];

	for (size_t i = 0; i < n;) {
		uint32_t c;
		unsigned len = utf8_decode(p + i, n - i, &c);

		if (len == 0 || c == 0) {
			puts_to(o, REPLACEMENT);
		} else if (c < 0x20 || c == 0x7f) {
			(void)snprintf(hex, sizeof(hex), "\\u%04x", c & 0x7fU);
			puts_to(o, hex);
		} else {
			if (c == '"' || c == '\\')
				put(o, "\\", 1);
			put(o, p + i, len);
		}
		i += len ? len : 1;
	}
}

static void put_result(struct out *o, const struct health_result *e, size_t len)
{
	char start[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX], head[2 * CLOCK_TEXT_MAX + 64];

	clock_format_utc(e->start_ns, start);
	clock_format_utc(e->end_ns, end);
	(void)snprintf(head, sizeof(head),
		       RESULT_BEGINS "\"%s\",\"End\":\"%s\",\"ExitCode\":%d,\"Output\":\"", start,
		       end, e->exit_code);
	puts_to(o, head);
	put_text(o, e->output, len);
	puts_to(o, "\"}");
}

void health_event(const struct health_result *e, char out[HEALTH_EVENT_MAX])
{
	struct out o = {.fd = -EBADF, .quoted = true, .buf = out};

	put_result(&o, e, e->len < HEALTH_EVENT_OUTPUT ? e->len : HEALTH_EVENT_OUTPUT);
	out[o.n] = '\0';
}

/* --- reading ---------------------------------------------------------------------------------- */

struct in {
	int fd;
	char buf[CHUNK];
	size_t n, at;
};

static int next_char(struct in *in)
{
	if (in->at == in->n) {
		ssize_t n = read_upto(in->fd, in->buf, sizeof(in->buf));

		in->n = n > 0 ? (size_t)n : 0;
		in->at = 0;
		if (in->n == 0)
			return -1;
	}
	return (unsigned char)in->buf[in->at++];
}

/* Is the line that begins here a result? What was read of it is RESULT_BEGINS then. */
static bool result_begins(struct in *in, int *last)
{
	for (const char *p = RESULT_BEGINS; *p; p++) {
		*last = next_char(in);
		if (*last != *p)
			return false;
	}
	return true;
}

/* The rest of a line, into @o without its end and a comma before that; @o may be NULL. False: the file ends. */
static bool pass_line(struct in *in, int last, struct out *o)
{
	bool comma = false;

	while (last >= 0 && last != '\n') {
		char c;

		last = next_char(in);
		if (last < 0 || last == '\n')
			break;
		c = (char)last;
		if (o && comma)
			put(o, ",", 1);
		comma = c == ',';
		if (o && !comma)
			put(o, &c, 1);
	}
	return last >= 0;
}

static uint64_t count_results(struct in *in)
{
	uint64_t n = 0;
	bool more = true;

	while (more) {
		int last = 0;

		if (result_begins(in, &last))
			n++;
		more = pass_line(in, last, NULL);
	}
	return n;
}

/* All but the first @skip. Return: how many. */
static uint64_t copy_results(struct in *in, uint64_t skip, struct out *o)
{
	uint64_t n = 0, copied = 0;
	bool more = true;

	while (more) {
		int last = 0;
		bool wanted = result_begins(in, &last) && n++ >= skip;

		if (wanted) {
			puts_to(o, copied++ ? ",\n" RESULT_BEGINS : RESULT_BEGINS);
		}
		more = pass_line(in, last, wanted ? o : NULL);
	}
	return copied;
}

/* --- the file --------------------------------------------------------------------------------- */

static void name_of(const struct health_place *at, char name[128])
{
	(void)snprintf(name, 128, at->dir ? "%.100s-healthcheck.log" : "health", at->id);
}

/* Return: the directory; @opened is to be closed. */
static int dir_of(const struct health_place *at, int *opened)
{
	if (!at->dir)
		return at->state_dir;
	*opened = open(at->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *opened < 0 ? err_new(-errno, "open %s", at->dir) : *opened;
}

static int open_log(int dir, const char *name)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_new(-errno, "open %s", name);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_new(-CE_BAD_FORMAT, "%s: not a regular file", name);
	return TAKE_FD(fd);
}

int health_open(const struct health_place *at)
{
	AUTO_CLOSE int opened = -EBADF;
	char name[128];
	int dir = dir_of(at, &opened);

	name_of(at, name);
	return dir < 0 && at->dir ? dir : open_log(dir, name);
}

static uint64_t keep_results(int old, uint64_t room, bool bounded, struct out *o)
{
	static struct in in; /* 4 kB more than a stack should hold */
	uint64_t n;

	in = (struct in){.fd = old};
	n = count_results(&in);
	if (lseek(old, 0, SEEK_SET) < 0)
		return 0;
	in.n = in.at = 0;
	return copy_results(&in, bounded && n > room ? n - room : 0, o);
}

static int write_log(int fd, int old, const struct health_verdict *v,
		     const struct health_result *add, uint32_t max_count)
{
	static char buf[CHUNK];
	struct out o = {.fd = fd, .buf = buf};
	uint64_t n = 0;
	char head[96];

	(void)snprintf(head, sizeof(head), "{\"Status\":\"%s\",\"FailingStreak\":%u,\"Log\":[\n",
		       v->status, v->streak);
	puts_to(&o, head);
	if (old >= 0)
		n = keep_results(old, max_count - (max_count && add), max_count != 0, &o);
	if (add) {
		puts_to(&o, n++ ? ",\n" : "");
		put_result(&o, add, add->len);
	}
	puts_to(&o, n ? "\n]}\n" : "]}\n");
	flush(&o);
	return o.error;
}

int health_write(const struct health_place *at, const struct health_verdict *v,
		 const struct health_result *add, uint32_t max_count, bool keep)
{
	AUTO_CLOSE int opened = -EBADF, old = -EBADF, fd = -EBADF;
	char name[128], id[17], aside[48];
	int dir = dir_of(at, &opened), r;

	if (dir < 0)
		return dir;
	name_of(at, name);
	old = keep ? open_log(dir, name) : -ENOENT;
	if (old < 0 && old != -ENOENT)
		err_drop(); /* a new one in place of what nobody can read */
	random_hex(id, 16);
	(void)snprintf(aside, sizeof(aside), ".tmp-%s", id);
	fd = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_new(-errno, "create %s", name);
	r = write_log(fd, old, v, add, max_count);
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, aside, 0);
	return r < 0 ? err_new(r, "write %s", name) : 0;
}
