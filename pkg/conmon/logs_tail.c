/* SPDX-License-Identifier: MIT */
/*
 * The place where the last N lines begin, found backwards from the end: reading a gigabyte to print
 * ten lines is not needed. A line ends with a whole record (one more may be unfinished at the end);
 * only the two ends of a record are looked at.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/conmon/logs_internal.h"

#define BLOCK 262144
#define JSON_TAIL 160 /* '\n","stream":"stdout","time":"…"}' stands within this of a record's end */
#define K8S_HEAD 64

struct back_reader {
	int fd;
	enum conmon_log driver;
	char *buf;
	off_t at; /* file offset of buf[0] */
	size_t len;
};

/* Make sure that bytes [from, to) are in the buffer; to - from is at most BLOCK. */
static int need(struct back_reader *b, off_t from, off_t to)
{
	ssize_t n;

	if (from >= b->at && to <= b->at + (off_t)b->len)
		return 0;
	b->at = to > BLOCK ? to - BLOCK : 0;
	if (b->at > from)
		b->at = from;
	n = pread(b->fd, b->buf, BLOCK, b->at);
	if (n < 0)
		return err_new(-errno, "read logs");
	b->len = (size_t)n;
	return to <= b->at + n ? 0 : err_new(-EIO, "read logs: file shrank");
}

/* Offset behind the last newline before @end, 0 when there is none. */
static int line_start(struct back_reader *b, off_t end, off_t *ret)
{
	while (end > 0) {
		off_t from = end > BLOCK ? end - BLOCK : 0;
		char *nl;
		int r;

		if (from < b->at && end > b->at && end <= b->at + (off_t)b->len)
			from = b->at; /* look at what is here first */
		r = need(b, from, end);
		if (r < 0)
			return r;
		nl = memrchr(b->buf + (from - b->at), '\n', (size_t)(end - from));
		if (nl) {
			*ret = b->at + (nl - b->buf) + 1;
			return 0;
		}
		end = from;
	}
	*ret = 0;
	return 0;
}

/* Does the record in [from, to) (without its newline) end a line? */
static int is_whole(struct back_reader *b, off_t from, off_t to, bool *ret)
{
	static const char json_end[] = "\\n\",\"stream\"";
	off_t at = from;
	char *p, *sp;
	size_t n;
	int r;

	if (b->driver == CONMON_LOG_JSON_FILE && to - from > JSON_TAIL)
		at = to - JSON_TAIL;
	else if (b->driver != CONMON_LOG_JSON_FILE && to - from > K8S_HEAD)
		to = from + K8S_HEAD;
	r = need(b, at, to);
	if (r < 0)
		return r;
	p = b->buf + (at - b->at);
	n = (size_t)(to - at);
	if (b->driver == CONMON_LOG_JSON_FILE) {
		*ret = memmem(p, n, json_end, sizeof(json_end) - 1) != NULL;
		return 0;
	}
	sp = memchr(p, ' ', n);
	*ret = sp && (size_t)(sp - p) + 9 <= n && sp[8] == 'F';
	return 0;
}

/* Walk back over one file. @lines: still wanted; @ret_at: where to begin when they are found. */
static int tail_file(struct back_reader *b, uint64_t *lines, bool *newest_record, bool *ret_found)
{
	off_t end = lseek(b->fd, 0, SEEK_END), start;
	bool whole;
	char last;
	int r;

	if (end < 0)
		return err_new(-errno, "seek logs");
	if (end > 0 && pread(b->fd, &last, 1, end - 1) == 1 && last == '\n')
		end--;
	for (; end > 0; end = start - 1) {
		r = line_start(b, end, &start);
		if (r == 0)
			r = is_whole(b, start, end, &whole);
		if (r < 0)
			return r;
		/* A whole record ends the line before the ones counted so far. */
		if (whole || *newest_record) {
			if (*lines == 0) {
				*ret_found = true;
				return lseek(b->fd, end + 1, SEEK_SET) < 0
					       ? err_new(-errno, "seek logs")
					       : 0;
			}
			--*lines;
		}
		*newest_record = false;
		if (start == 0)
			break;
	}
	return lseek(b->fd, 0, SEEK_SET) < 0 ? err_new(-errno, "seek logs") : 0;
}

int log_set_tail(struct log_set *s, enum conmon_log driver, uint64_t lines)
{
	AUTO_FREE char *buf = xmalloc(BLOCK);
	bool newest = true, found = false;

	if (lines == 0) { /* only what follows */
		for (unsigned i = 1; i < s->n; i++)
			closep(&s->fds[i]);
		s->n = s->n ? 1 : 0;
		return s->n && lseek(s->fds[0], 0, SEEK_END) < 0 ? err_new(-errno, "seek logs") : 0;
	}
	for (unsigned i = 0; i < s->n && !found; i++) {
		struct back_reader b = {.fd = s->fds[i], .driver = driver, .buf = buf};
		int r = tail_file(&b, &lines, &newest, &found);

		if (r < 0)
			return r;
		for (unsigned k = i + 1; found && k < s->n; k++)
			closep(&s->fds[k]);
		if (found)
			s->n = i + 1;
	}
	return 0;
}
