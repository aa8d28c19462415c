/* SPDX-License-Identifier: MIT */
/*
 * zstd over records: 'R' u32 bytes…; 'F' u64 size, u16 length, path; 'E'. Numbers are little-endian.
 * Raw bytes are collected into records as large as the buffer.
 */
#include "pkg/archive/recipe.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "pkg/archive/stream.h"
#include "pkg/archive/tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/open.h"
#include "pkg/sys/overlay_data.h"

#define MAGIC "cuddy recipe 1\n"
#define RAW_MAX (64U << 10)
#define PIECE (128U << 10)
#define LEVEL 1

/* --- writing ----------------------------------------------------------------------------------- */

struct recipe_writer {
	int fd;
	bool broken;
	uint64_t bytes;
	ZSTD_CStream *z;
	size_t raw_n;
	unsigned char raw[RAW_MAX], out[PIECE];
};

static void compress(struct recipe_writer *w, const void *p, size_t n, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = {.src = p, .size = n};
	size_t left;

	do {
		ZSTD_outBuffer out = {.dst = w->out, .size = sizeof(w->out)};

		left = ZSTD_compressStream2(w->z, &out, &in, how);
		if (ZSTD_isError(left) || write_full(w->fd, w->out, out.pos) < 0)
			w->broken = true;
	} while (!w->broken && (in.pos < in.size || (how == ZSTD_e_end && left)));
}

struct recipe_writer *recipe_writer_new(int fd)
{
	struct recipe_writer *w = xcalloc(1, sizeof(*w));

	w->fd = fd;
	w->z = ZSTD_createCStream();
	if (!w->z || ZSTD_isError(ZSTD_CCtx_setParameter(w->z, ZSTD_c_compressionLevel, LEVEL)))
		w->broken = true;
	else
		compress(w, MAGIC, strlen(MAGIC), ZSTD_e_continue);
	return w;
}

void recipe_writer_free(struct recipe_writer *w)
{
	if (!w)
		return;
	(void)ZSTD_freeCStream(w->z);
	free(w);
}

static void flush_raw(struct recipe_writer *w)
{
	unsigned char head[5] = {'R'};
	uint32_t n = htole32((uint32_t)w->raw_n);

	if (!w->raw_n)
		return;
	memcpy(head + 1, &n, sizeof(n));
	compress(w, head, sizeof(head), ZSTD_e_continue);
	compress(w, w->raw, w->raw_n, ZSTD_e_continue);
	w->raw_n = 0;
}

void recipe_raw(struct recipe_writer *w, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	if (w)
		w->bytes += n;
	while (w && !w->broken && n) {
		size_t take = n < RAW_MAX - w->raw_n ? n : RAW_MAX - w->raw_n;

		memcpy(w->raw + w->raw_n, p, take);
		w->raw_n += take;
		p += take;
		n -= take;
		if (w->raw_n == RAW_MAX)
			flush_raw(w);
	}
}

void recipe_file(struct recipe_writer *w, const char *path, uint64_t size)
{
	unsigned char head[11] = {'F'};
	uint16_t len;

	if (!w)
		return;
	w->bytes += size;
	if (w->broken)
		return;
	flush_raw(w);
	size = htole64(size);
	len = htole16((uint16_t)strlen(path));
	memcpy(head + 1, &size, sizeof(size));
	memcpy(head + 9, &len, sizeof(len));
	compress(w, head, sizeof(head), ZSTD_e_continue);
	compress(w, path, strlen(path), ZSTD_e_continue);
}

void recipe_void(struct recipe_writer *w)
{
	if (w)
		w->broken = true;
}

uint64_t recipe_tar_bytes(const struct recipe_writer *w)
{
	return w ? w->bytes : 0;
}

bool recipe_end(struct recipe_writer *w)
{
	if (!w || w->broken)
		return false;
	flush_raw(w);
	compress(w, "E", 1, ZSTD_e_end);
	return !w->broken;
}

/* --- following --------------------------------------------------------------------------------- */

struct reader {
	struct stream *s;
	int tree, data;
	struct out *out;
	unsigned char buf[PIECE];
};

static int damaged(void)
{
	return err_new(-CE_CORRUPT, "the recipe of a layer");
}

static int take(struct reader *r, void *p, size_t n)
{
	for (size_t have = 0; have < n;) {
		ssize_t got = stream_read(r->s, (unsigned char *)p + have, n - have);

		if (got <= 0)
			return got < 0 ? (int)got : damaged();
		have += (size_t)got;
	}
	return 0;
}

static int copy_raw(struct reader *r)
{
	uint32_t n;
	int e = take(r, &n, sizeof(n));

	n = le32toh(n);
	if (e == 0 && n > RAW_MAX)
		e = damaged();
	if (e == 0)
		e = take(r, r->buf, n);
	return e < 0 ? e : out_write(r->out, r->buf, n);
}

static int copy_content(struct reader *r, int fd, uint64_t size, const char *path)
{
	while (size) {
		ssize_t got = read(fd, r->buf, size < PIECE ? (size_t)size : PIECE);
		int e;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? err_new(-errno, "read %s", path)
				       : err_new(-CE_CORRUPT, "%s became shorter", path);
		e = out_write(r->out, r->buf, (size_t)got);
		if (e < 0)
			return e;
		size -= (uint64_t)got;
	}
	return 0;
}

static int copy_file(struct reader *r)
{
	char path[TAR_PATH_MAX + 1];
	AUTO_CLOSE int fd = -EBADF, content = -EBADF;
	struct stat st;
	uint64_t size;
	uint16_t len;
	int e = take(r, &size, sizeof(size));

	if (e == 0)
		e = take(r, &len, sizeof(len));
	len = e == 0 ? le16toh(len) : 0;
	size = e == 0 ? le64toh(size) : 0;
	if (e == 0 && (len == 0 || len > TAR_PATH_MAX || size > TAR_SIZE_MAX))
		e = damaged();
	if (e == 0)
		e = take(r, path, len);
	if (e < 0)
		return e;
	path[len] = '\0';
	fd = open_in(r->tree, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0)
		return err_wrap(-CE_CORRUPT, "what a layer's archive is made of");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_new(-CE_CORRUPT, "%s is no file any more", path);
	content = r->data < 0 ? -ENOENT : overlay_data_open(fd, r->data);
	if (content < 0 && content != -ENOENT)
		return content;
	return copy_content(r, content < 0 ? fd : content, size, path);
}

static int follow(struct reader *r)
{
	char magic[sizeof(MAGIC) - 1];
	int e = take(r, magic, sizeof(magic));

	if (e == 0 && memcmp(magic, MAGIC, sizeof(magic)) != 0)
		e = damaged();
	while (e == 0) {
		char kind = 0;

		e = take(r, &kind, 1);
		if (e == 0 && kind == 'E')
			return 0;
		if (e == 0)
			e = kind == 'R' ? copy_raw(r) : kind == 'F' ? copy_file(r) : damaged();
	}
	return e;
}

int recipe_make(int fd, int tree, int data, struct out *out)
{
	/* Long runs of zeros are well compressed; the files bound the rest. */
	struct stream_limits l = {.max_ratio = 1U << 20};
	struct reader *r = xcalloc(1, sizeof(*r));
	int e = stream_decode(stream_from_fd(fd), STREAM_ZSTD, &l, &r->s);

	r->tree = tree;
	r->data = data;
	r->out = out;
	if (e == 0)
		e = follow(r);
	stream_close(r->s);
	free(r);
	return e;
}
