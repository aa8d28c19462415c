/* SPDX-License-Identifier: MIT */
/*
 * zstd over records: 'R' u32 bytes…; 'F' u64 size, u16 length, path; 'L' u64 files, u64 where, u32 size,
 * u16 length, path; 'E'. Numbers are little-endian. Raw bytes are collected into records as large as the
 * buffer.
 *
 * 'L' says where the content is that was at the path when so many 'F' had been written: in a skippable
 * frame, as it is, so that it can be read when its 'F' is followed. That comes earlier, therefore who
 * follows reads the records twice.
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
#define LOST_MAX 1000 /* each is some frames, of which decoders take 4096 */
#define LOST_BYTES_MAX \
	(128ULL << 20) /* who copies a recipe (storage/shared_layer.c) has it in memory */
#define SKIPPABLE 0x184D2A50U

/* --- writing ----------------------------------------------------------------------------------- */

struct recipe_writer {
	int fd;
	bool broken;
	uint64_t bytes, at; /* of the archive; in the file */
	uint64_t files, file_bytes, lost_bytes;
	unsigned n_lost;
	ZSTD_CStream *z;
	size_t raw_n;
	unsigned char raw[RAW_MAX], out[PIECE];
};

static void emit(struct recipe_writer *w, const void *p, size_t n)
{
	if (write_full(w->fd, p, n) < 0)
		w->broken = true;
	w->at += n;
}

static void compress(struct recipe_writer *w, const void *p, size_t n, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = {.src = p, .size = n};
	size_t left;

	do {
		ZSTD_outBuffer out = {.dst = w->out, .size = sizeof(w->out)};

		left = ZSTD_compressStream2(w->z, &out, &in, how);
		if (ZSTD_isError(left))
			w->broken = true;
		else
			emit(w, w->out, out.pos);
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
	w->file_bytes += size;
	w->files++;
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

static void emit_file(struct recipe_writer *w, int fd, uint32_t size)
{
	while (size && !w->broken) {
		ssize_t n = read(fd, w->out, size < PIECE ? size : PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			w->broken = true;
		else
			emit(w, w->out, (size_t)n);
		size -= n > 0 ? (uint32_t)n : 0;
	}
}

void recipe_lost(struct recipe_writer *w, const char *path, int fd, uint64_t size)
{
	uint32_t frame[2] = {htole32(SKIPPABLE), htole32((uint32_t)size)};
	uint16_t len = htole16((uint16_t)strlen(path));
	unsigned char head[23] = {'L'};
	uint64_t n;

	if (!w || w->broken)
		return;
	w->lost_bytes += size;
	if (++w->n_lost > LOST_MAX || w->lost_bytes > LOST_BYTES_MAX ||
	    w->lost_bytes > w->file_bytes) {
		w->broken = true;
		return;
	}
	flush_raw(w);
	compress(w, NULL, 0, ZSTD_e_end);
	emit(w, frame, sizeof(frame));
	n = htole64(w->files);
	memcpy(head + 1, &n, sizeof(n));
	n = htole64(w->at);
	memcpy(head + 9, &n, sizeof(n));
	memcpy(head + 17, frame + 1, sizeof(frame[1]));
	memcpy(head + 21, &len, sizeof(len));
	emit_file(w, fd, (uint32_t)size);
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

struct lost {
	char *path;
	uint64_t files, at;
	uint32_t size;
};

struct reader {
	struct stream *s;
	int fd, tree, data;
	off_t base;
	struct out *out; /* NULL: only look for what was lost */
	struct lost *lost; /* in the order in which that happened */
	size_t n_lost;
	uint64_t files;
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
	return e < 0 || !r->out ? e : out_write(r->out, r->buf, n);
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

static int take_path(struct reader *r, char path[TAR_PATH_MAX + 1])
{
	uint16_t len;
	int e = take(r, &len, sizeof(len));

	len = e == 0 ? le16toh(len) : 0;
	if (e == 0 && (len == 0 || len > TAR_PATH_MAX))
		e = damaged();
	if (e == 0)
		e = take(r, path, len);
	if (e == 0)
		path[len] = '\0';
	return e;
}

static int take_lost(struct reader *r)
{
	char path[TAR_PATH_MAX + 1];
	struct lost l;
	int e = take(r, &l.files, sizeof(l.files));

	if (e == 0)
		e = take(r, &l.at, sizeof(l.at));
	if (e == 0)
		e = take(r, &l.size, sizeof(l.size));
	if (e == 0)
		e = take_path(r, path);
	if (e < 0 || r->out)
		return e;
	if (r->n_lost == LOST_MAX)
		return damaged();
	if (!r->lost)
		r->lost = xcalloc(LOST_MAX, sizeof(*r->lost));
	r->lost[r->n_lost++] = (struct lost){xstrdup(path), le64toh(l.files), le64toh(l.at),
					     le32toh(l.size)};
	return 0;
}

static int copy_lost(struct reader *r, const struct lost *l)
{
	for (uint64_t done = 0; done < l->size;) {
		size_t n = l->size - done < PIECE ? (size_t)(l->size - done) : PIECE;
		ssize_t got = pread(r->fd, r->buf, n, r->base + (off_t)(l->at + done));
		int e = got > 0 ? out_write(r->out, r->buf, (size_t)got) : damaged();

		if (e < 0)
			return e;
		done += (uint64_t)got;
	}
	return 0;
}

static int copy_file(struct reader *r)
{
	char path[TAR_PATH_MAX + 1];
	AUTO_CLOSE int fd = -EBADF, content = -EBADF;
	struct stat st;
	uint64_t size, nth = r->files++;
	int e = take(r, &size, sizeof(size));

	if (e == 0)
		e = take_path(r, path);
	size = e == 0 ? le64toh(size) : 0;
	if (e == 0 && size > TAR_SIZE_MAX)
		e = damaged();
	if (e < 0 || !r->out)
		return e;
	for (size_t i = 0; i < r->n_lost; i++)
		if (r->lost[i].files > nth && strcmp(r->lost[i].path, path) == 0)
			return r->lost[i].size == size ? copy_lost(r, &r->lost[i]) : damaged();
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
			e = kind == 'R'   ? copy_raw(r)
			    : kind == 'F' ? copy_file(r)
			    : kind == 'L' ? take_lost(r)
					  : damaged();
	}
	return e;
}

static int read_through(struct reader *r)
{
	/* Long runs of zeros are well compressed; the files bound the rest. */
	struct stream_limits l = {.max_ratio = 1U << 20};
	int e = stream_decode(stream_from_fd(r->fd), STREAM_ZSTD, &l, &r->s);

	r->files = 0;
	if (e == 0)
		e = follow(r);
	stream_close(r->s);
	r->s = NULL;
	return e;
}

int recipe_make(int fd, int tree, int data, struct out *out)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	int e;

	r->fd = fd;
	r->tree = tree;
	r->data = data;
	r->base = lseek(fd, 0, SEEK_CUR);
	e = r->base < 0 ? err_new(-errno, "the recipe of a layer") : read_through(r);
	r->out = out;
	if (e == 0 && lseek(fd, r->base, SEEK_SET) < 0)
		e = err_new(-errno, "the recipe of a layer");
	if (e == 0)
		e = read_through(r);
	while (r->n_lost)
		free(r->lost[--r->n_lost].path);
	free(r->lost);
	free(r);
	return e;
}
