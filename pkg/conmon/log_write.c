/* SPDX-License-Identifier: MIT */
#include "pkg/conmon/log_write.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"

/* One byte of text becomes at most six ("\udcff"); a record must fit into the buffer. */
#define JSON_PIECE 8192
#define FILES_MAX 1000U
#define RECORD_FRAME 128 /* time, stream and punctuation around the text */

static int open_current(struct log_writer *w, int extra)
{
	struct stat st;
	int fd = openat(w->dir, w->name,
			O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				O_CLOEXEC | extra,
			0600);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return -EINVAL;
	}
	w->fd = fd;
	w->size = (uint64_t)st.st_size;
	return 0;
}

/* A crash of the machine may have left half a record: end it, so that readers skip only that one. */
static void end_torn_record(struct log_writer *w)
{
	char last = '\n';

	if (w->size && pread(w->fd, &last, 1, (off_t)w->size - 1) == 1 && last != '\n' &&
	    write(w->fd, "\n", 1) == 1)
		w->size++;
}

int log_open(struct log_writer *w, enum conmon_log driver, const char *path, uint64_t max_bytes,
	     uint32_t max_files)
{
	const char *slash;
	char dir[4096];
	int r;

	w->driver = driver;
	w->fd = w->dir = w->journal.fd = -EBADF;
	w->len = 0;
	w->lost = 0;
	w->max_bytes = max_bytes;
	w->max_files = max_files < 1 ? 1 : max_files > FILES_MAX ? FILES_MAX : max_files;
	w->piece_max = driver == CONMON_LOG_JSON_FILE ? JSON_PIECE : LOG_RECORD_MAX;
	if (max_bytes && max_bytes / 4 < w->piece_max)
		w->piece_max = max_bytes / 4 < 64 ? 64 : (size_t)(max_bytes / 4);
	if (driver != CONMON_LOG_K8S_FILE && driver != CONMON_LOG_JSON_FILE)
		return 0;
	slash = strrchr(path, '/');
	if (!slash || !slash[1] || strlen(slash + 1) >= sizeof(w->name) - 8 ||
	    (size_t)(slash - path) + 2 > sizeof(dir))
		return err_new(-EINVAL, "log file %s", path);
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path) + 1, path);
	(void)snprintf(w->name, sizeof(w->name), "%s", slash + 1);
	w->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0)
		return err_new(-errno, "open %s", dir);
	r = open_current(w, 0);
	if (r < 0)
		return err_new(r, "open log file %s", path);
	end_torn_record(w);
	return 0;
}

int log_open_journal(struct log_writer *w, const char *path, const char *fields)
{
	int r = log_open(w, CONMON_LOG_NONE, path, 0, 1);

	if (r == 0)
		r = journal_open(&w->journal, path, fields);
	if (r == 0)
		w->driver = CONMON_LOG_JOURNALD;
	return r;
}

void log_close(struct log_writer *w)
{
	journal_close(&w->journal);
	closep(&w->fd);
	closep(&w->dir);
}

/*
 * name.2 → name.3, name.1 → name.2, name → name.1: only renames, so a follower loses nothing. The
 * oldest is unlinked first: ext4 writes a file out at once when it is renamed over another, which
 * held the payload for seconds.
 */
static void rotate(struct log_writer *w)
{
	char from[300], to[300];

	closep(&w->fd);
	if (w->max_files > 1)
		(void)snprintf(to, sizeof(to), "%s.%u", w->name, w->max_files - 1);
	else
		(void)snprintf(to, sizeof(to), "%s", w->name);
	(void)unlinkat(w->dir, to, 0);
	for (uint32_t i = w->max_files - 1; i >= 1; i--) {
		(void)snprintf(to, sizeof(to), "%s.%u", w->name, i);
		if (i == 1)
			(void)snprintf(from, sizeof(from), "%s", w->name);
		else
			(void)snprintf(from, sizeof(from), "%s.%u", w->name, i - 1);
		(void)renameat(w->dir, from, w->dir, to);
	}
	(void)open_current(w, O_EXCL);
}

static bool write_records(struct log_writer *w, const char *p, size_t n)
{
	if (w->fd < 0 && open_current(w, 0) < 0)
		return false;
	if (write_full(w->fd, p, n) < 0) {
		(void)!ftruncate(w->fd, (off_t)w->size);
		return false;
	}
	w->size += n;
	return true;
}

static size_t put_note(struct log_writer *w, char *out, size_t room)
{
	char when[CLOCK_TEXT_MAX];

	clock_format_utc(clock_now_ns(), when);
	return (size_t)snprintf(
		out, room,
		w->driver == CONMON_LOG_JSON_FILE
			? "{\"log\":\"[cuddy: %1$llu bytes of log were lost: no space]\\n\","
			  "\"stream\":\"stderr\",\"time\":\"%2$s\"}\n"
			: "%2$s stderr F [cuddy: %1$llu bytes of log were lost: no space]\n",
		(unsigned long long)w->lost, when);
}

/* What was lost is said together with the first records that fit again: alone it would fill the rest. */
static void flush_log(struct log_writer *w)
{
	uint64_t before = w->size;
	char note[256];

	if (w->len > w->most)
		w->most = w->len;
	if (w->len && w->lost && !write_records(w, note, put_note(w, note, sizeof(note)))) {
		w->lost += w->len;
	} else if (w->len && !write_records(w, w->buf, w->len)) {
		if (w->lost && w->fd >= 0 && ftruncate(w->fd, (off_t)before) == 0)
			w->size = before;
		w->lost += w->len;
	} else if (w->len) {
		w->lost = 0;
	}
	w->len = 0;
}

static size_t utf8_length(const unsigned char *p, size_t n)
{
	size_t len = p[0] < 0x80                   ? 1
		     : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
		     : (p[0] & 0xf0) == 0xe0       ? 3
		     : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
						   : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

static size_t escape_json(char *out, const unsigned char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	char *o = out;

	for (size_t i = 0; i < n;) {
		unsigned char c = p[i];
		size_t len = utf8_length(p + i, n - i);

		if (len == 0 || c < 0x20 || c == 0x7f) { /* a control character, or no UTF-8 */
			memcpy(o, len ? "\\u00" : "\\udc", 4);
			o[4] = hex[c >> 4];
			o[5] = hex[c & 15];
			o += 6;
			i++;
			continue;
		}
		if (c == '"' || c == '\\')
			*o++ = '\\';
		memcpy(o, p + i, len);
		o += len;
		i += len;
	}
	return (size_t)(o - out);
}

static size_t encode(const struct log_writer *w, char *out, const char *when, int stream,
		     const char *p, size_t n, bool whole)
{
	const char *name = stream == 2 ? "stderr" : "stdout";
	size_t len;

	if (w->driver == CONMON_LOG_JSON_FILE) {
		memcpy(out, "{\"log\":\"", 8);
		len = 8 + escape_json(out + 8, (const unsigned char *)p, n);
		return len + (size_t)snprintf(out + len, RECORD_FRAME,
					      "%s\",\"stream\":\"%s\",\"time\":\"%s\"}\n",
					      whole ? "\\n" : "", name, when);
	}
	len = strlen(when);
	memcpy(out, when, len);
	out[len++] = ' ';
	memcpy(out + len, name, 6);
	len += 6;
	memcpy(out + len, whole ? " F " : " P ", 3);
	len += 3;
	memcpy(out + len, p, n);
	len += n;
	out[len++] = '\n';
	return len;
}

static bool add_record(struct log_writer *w, const char *when, int stream, const char *p, size_t n,
		       bool whole)
{
	size_t worst = (w->driver == CONMON_LOG_JSON_FILE ? 6 * n : n) + RECORD_FRAME, len;

	if (w->len + worst > sizeof(w->buf))
		flush_log(w);
	len = encode(w, w->buf + w->len, when, stream, p, n, whole);
	if (w->max_bytes && w->size + w->len + len > w->max_bytes && w->size + w->len > 0) {
		size_t at = w->len;

		flush_log(w);
		memmove(w->buf, w->buf + at, len);
		rotate(w);
		w->len += len;
		return true;
	}
	w->len += len;
	return false;
}

bool log_add(struct log_writer *w, int stream, const char *p, size_t n)
{
	char when[CLOCK_TEXT_MAX];
	bool rotated = false;

	if (w->driver == CONMON_LOG_NONE || w->driver == CONMON_LOG_PASSTHROUGH)
		return false;
	clock_format_utc(clock_now_ns(), when);
	while (n) {
		size_t most = n < w->piece_max ? n : w->piece_max;
		const char *nl = memchr(p, '\n', most);
		size_t len = nl ? (size_t)(nl - p) : most;

		/* A line of just the size of a piece: its newline is not worth a record. */
		if (!nl && len < n && p[len] == '\n')
			nl = p + len;
		if (w->driver == CONMON_LOG_JOURNALD)
			journal_add(&w->journal, stream, p, len, nl != NULL);
		else
			rotated |= add_record(w, when, stream, p, len, nl != NULL);
		len += nl != NULL;
		p += len;
		n -= len;
	}
	flush_log(w);
	return rotated;
}
