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

static void start(struct blob_keeper *k, const void *p, size_t n)
{
	enum stream_format f;

	k->begun = true;
	if (stream_detect(p, n, &f) < 0)
		err_drop();
	else if ((f == STREAM_GZIP || f == STREAM_ZSTD) &&
		 blob_keeper_wants(k->stage->tree_fd, k->expected))
		k->fd = layer_stage_blob(k->store, k->stage);
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

void blob_keeper_stop(struct blob_keeper *k)
{
	if (k->store && k->fd >= 0)
		closep(&k->fd);
	*k = (struct blob_keeper){.fd = -EBADF};
}

bool blob_keeper_end(struct blob_keeper *k)
{
	bool whole = k->store && k->begun && k->fd >= 0;

	blob_keeper_stop(k);
	return whole;
}
