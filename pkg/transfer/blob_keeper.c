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

static bool is_wanted(void)
{
	const char *v = getenv("CUDDY_KEEP_BLOBS");
	bool wanted = true;

	if (v && parse_bool(v, &wanted) < 0)
		wanted = true;
	return wanted;
}

/* A tenth of the file system stays free for what matters more. */
static bool has_room(const struct blob_keeper *k)
{
	struct statvfs v;

	if (fstatvfs(k->stage->tree_fd, &v) < 0)
		return false;
	return v.f_bavail * v.f_frsize >= k->expected + v.f_blocks / 10 * v.f_frsize;
}

static void start(struct blob_keeper *k, const void *p, size_t n)
{
	enum stream_format f;

	k->begun = true;
	if (stream_detect(p, n, &f) < 0)
		err_drop();
	else if ((f == STREAM_GZIP || f == STREAM_ZSTD) && is_wanted() && has_room(k))
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
