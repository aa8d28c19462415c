/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/blob_keeper.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pkg/archive/stream.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"

void blob_keeper_begin(struct blob_keeper *k, struct store *st, const struct layer_stage *stage,
		       uint64_t size)
{
	*k = (struct blob_keeper){.store = st, .stage = stage, .expected = size, .fd = -EBADF};
}

static bool is_kept(enum stream_format f)
{
	return f == STREAM_GZIP || f == STREAM_ZSTD;
}

static bool is_plain(int fd)
{
	unsigned char head[512];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	enum stream_format f = STREAM_PLAIN;

	if (n > 0 && stream_detect(head, (size_t)n, &f) < 0)
		err_drop();
	return !is_kept(f);
}

uint64_t blob_keeper_resume(struct blob_keeper *k, struct store *st,
			    const struct layer_stage *stage, const char *digest, uint64_t size)
{
	int r;

	blob_keeper_begin(k, st, stage, size);
	k->digest = digest;
	r = part_open(st, digest, size, &k->part);
	if (r < 0) {
		err_drop();
		return 0;
	}
	k->begun = true;
	k->fd = k->part.fd;
	k->passing = is_plain(k->fd);
	return k->part.bytes;
}

/* A tenth of the file system stays free for what matters more. */
bool blob_keeper_wants(int fd, uint64_t size)
{
	const char *v = getenv("CUDDY_KEEP_BLOBS");
	struct statvfs fs;
	bool wanted = true;

	if (v && parse_bool(v, &wanted) == 0 && !wanted)
		return false;
	return fstatvfs(fd, &fs) == 0 &&
	       fs.f_bavail * fs.f_frsize >= size + fs.f_blocks / 10 * fs.f_frsize;
}

static int open_file(struct blob_keeper *k)
{
	int r;

	if (!k->digest)
		return layer_stage_blob(k->store, k->stage);
	r = part_create(k->store, k->digest, &k->part);
	/* It was looked for before the first byte was asked for: what is there now is another's. */
	if (r == 0 && k->part.bytes > 0) {
		part_close(k->store, &k->part);
		return -ENOENT;
	}
	return r < 0 ? r : k->part.fd;
}

static void start(struct blob_keeper *k, const void *p, size_t n)
{
	enum stream_format f;

	k->begun = true;
	if (stream_detect(p, n, &f) < 0)
		err_drop();
	else if ((is_kept(f) || (f == STREAM_PLAIN && k->digest)) &&
		 blob_keeper_wants(k->stage->tree_fd, k->expected)) {
		k->passing = !is_kept(f);
		k->fd = open_file(k);
	}
	if (k->fd < 0)
		err_drop();
}

void blob_keeper_add(struct blob_keeper *k, const void *p, size_t n)
{
	if (!k->store || n == 0)
		return;
	if (!k->begun)
		start(k, p, n);
	if (k->fd >= 0 && write_full(k->fd, p, n) < 0)
		blob_keeper_stop(k); /* what lies there goes with the commit, or with the stage */
}

void blob_keeper_drop(struct blob_keeper *k)
{
	if (k->store && k->part.name)
		part_drop(k->store, &k->part);
	else if (k->store)
		closep(&k->fd);
	*k = (struct blob_keeper){.fd = -EBADF};
}

void blob_keeper_stop(struct blob_keeper *k)
{
	if (k->store && k->part.name)
		part_close(k->store, &k->part);
	else if (k->store)
		closep(&k->fd);
	*k = (struct blob_keeper){.fd = -EBADF};
}

bool blob_keeper_end(struct blob_keeper *k)
{
	bool whole = k->store && k->begun && k->fd >= 0;

	if (whole && k->passing) {
		blob_keeper_drop(k);
		return false;
	}
	if (whole && k->part.name) {
		whole = part_finish(k->store, &k->part, k->stage) == 0;
		if (!whole)
			err_drop();
		else
			k->fd = -EBADF;
	}
	blob_keeper_stop(k);
	return whole;
}
