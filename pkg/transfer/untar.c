/* SPDX-License-Identifier: MIT */
/*
 * The operation "untar": an archive of the user's into a directory of a container or a volume, which
 * has content already. The directory comes as a descriptor; tree_put.h never leaves it.
 */
#include <string.h>
#include <sys/stat.h>

#include "pkg/archive/tree_put.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/sys/userns.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/source.h"
#include "pkg/transfer/transfer.h"

static int ids_of(const void *p, size_t n, struct tree_ids **ret, unsigned *ret_n)
{
	if (n % sizeof(**ret))
		return err_new(-CE_PROTOCOL, "untar request");
	*ret_n = (unsigned)(n / sizeof(**ret));
	*ret = xcalloc(*ret_n + 1, sizeof(**ret));
	if (n)
		memcpy(*ret, p, n);
	return 0;
}

static int put_content(struct tar *t, struct tree_put *put)
{
	const unsigned char *p;
	ssize_t got;

	while ((got = tar_content(t, &p)) > 0) {
		int r = tree_put_content(put, p, (size_t)got);

		if (r < 0)
			return r;
	}
	return (int)got;
}

static int put_all(struct transfer_ctx *ctx, struct tar *t, struct tree_put *put)
{
	struct tar_entry e;
	int r;

	while ((r = tar_next(t, &e)) == 1) {
		if (!*e.path)
			continue; /* the directory itself is the container's own */
		r = tree_put_entry(put, &e);
		if (r == 0 && e.type == TAR_FILE)
			r = put_content(t, put);
		if (r == 0)
			r = transfer_cancelled(ctx);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = tar_drain(t);
	return r < 0 ? r : tree_put_end(put);
}

static int extract(struct transfer_ctx *ctx, struct tree_put *put)
{
	AUTO(feed_freep) struct feed *f = NULL;
	AUTO(tar_freep) struct tar *t = NULL;
	struct stream *s;
	int r = stream_decode(source_new(ctx, ctx->fds[0]), STREAM_DETECT, NULL, &s);

	if (r < 0)
		return r;
	f = feed_new_plain(s);
	t = tar_new(f);
	r = put_all(ctx, t, put);
	if (r == 0 && tree_put_result(put)->devices)
		report_message(ctx, true, "%llu devices were left out",
			       (unsigned long long)tree_put_result(put)->devices);
	return r;
}

int transfer_op_untar(struct transfer_ctx *ctx)
{
	struct transfer_untar u;
	struct tree_put_options o = {0};
	AUTO_FREE struct tree_ids *uids = NULL, *gids = NULL;
	AUTO(tree_put_freep) struct tree_put *put = NULL;
	int r = transfer_untar_get(&ctx->req, &u);

	if (r == 0 && ctx->n_fds != 2)
		r = err_new(-CE_PROTOCOL, "untar without an archive or a directory");
	if (r == 0)
		r = ids_of(u.uids, u.uids_n, &uids, &o.n_uids);
	if (r == 0)
		r = ids_of(u.gids, u.gids_n, &gids, &o.n_gids);
	if (r == 0 && u.create_as)
		r = userns_create_as(u.as_uid, u.as_gid);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	o.overwrite = u.overwrite;
	o.single_id = u.single_id;
	o.has_owner = u.has_owner;
	o.uid = u.uid;
	o.gid = u.gid;
	o.uids = uids;
	o.gids = gids;
	put = tree_put_new(ctx->fds[1], &o);
	return extract(ctx, put);
}
