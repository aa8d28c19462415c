/* SPDX-License-Identifier: MIT */
#include "pkg/archive/stream.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"

ssize_t stream_read(struct stream *s, void *p, size_t n)
{
	return s->ops->read(s, p, n);
}

void stream_close(struct stream *s)
{
	if (s)
		s->ops->close(s);
}

void stream_closep(struct stream **s)
{
	stream_close(*s);
	*s = NULL;
}

/* --- a descriptor ------------------------------------------------------------------------------ */

struct fd_stream {
	struct stream base;
	int fd;
};

static ssize_t fd_read(struct stream *s, void *p, size_t n)
{
	struct fd_stream *f = (struct fd_stream *)s;
	ssize_t got;

	do {
		got = read(f->fd, p, n);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? err_new(-errno, "read the archive") : got;
}

static void plain_close(struct stream *s)
{
	free(s);
}

struct stream *stream_from_fd(int fd)
{
	static const struct stream_ops ops = {fd_read, plain_close};
	struct fd_stream *f = xcalloc(1, sizeof(*f));

	f->base.ops = &ops;
	f->fd = fd;
	return &f->base;
}

/* --- memory ------------------------------------------------------------------------------------ */

struct mem_stream {
	struct stream base;
	const unsigned char *p;
	size_t left;
};

static ssize_t mem_read(struct stream *s, void *p, size_t n)
{
	struct mem_stream *m = (struct mem_stream *)s;

	if (n > m->left)
		n = m->left;
	if (n)
		memcpy(p, m->p, n);
	m->p += n;
	m->left -= n;
	return (ssize_t)n;
}

struct stream *stream_from_memory(const void *p, size_t n)
{
	static const struct stream_ops ops = {mem_read, plain_close};
	struct mem_stream *m = xcalloc(1, sizeof(*m));

	m->base.ops = &ops;
	m->p = p;
	m->left = n;
	return &m->base;
}

/* --- what is it -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned char magic[6];
	unsigned char len;
	enum stream_format format; /* STREAM_DETECT: known, not decoded */
} magics[] = {
	{"gzip", {0x1f, 0x8b}, 2, STREAM_GZIP},
	{"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, STREAM_ZSTD},
	{"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, STREAM_XZ},
	{"lz4", {0x04, 0x22, 0x4d, 0x18}, 4, STREAM_DETECT},
	{"lzip", {'L', 'Z', 'I', 'P'}, 4, STREAM_DETECT},
	{"lzop", {0x89, 'L', 'Z', 'O'}, 4, STREAM_DETECT},
	{"compress", {0x1f, 0x9d}, 2, STREAM_DETECT},
	{"7z", {'7', 'z', 0xbc, 0xaf, 0x27, 0x1c}, 6, STREAM_DETECT},
	{"zip", {'P', 'K', 3, 4}, 4, STREAM_DETECT},
};

static bool is_bzip2(const unsigned char *p, size_t n)
{
	return n >= 10 && memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9' &&
	       (memcmp(p + 4, "1AY&SY", 6) == 0 || memcmp(p + 4, "\x17rE8P\x90", 6) == 0);
}

int stream_detect(const unsigned char *p, size_t n, enum stream_format *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		if (n < magics[i].len || memcmp(p, magics[i].magic, magics[i].len) != 0)
			continue;
		if (magics[i].format == STREAM_DETECT)
			return err_new(-CE_UNSUPPORTED, "%s compression", magics[i].name);
		*ret = magics[i].format;
		return 0;
	}
	/* A skippable frame may come first in zstd (RFC 8878 §3.1.2). */
	if (n >= 4 && (p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18)
		*ret = STREAM_ZSTD;
	else
		*ret = is_bzip2(p, n) ? STREAM_BZIP2 : STREAM_PLAIN;
	return 0;
}
