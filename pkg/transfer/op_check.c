/* SPDX-License-Identifier: MIT */
/*
 * The operation "check": every layer against its digests; or one of them made anew from the archive
 * that was kept of it. What is wrong comes as image events: the layer's id, and for a reference what it
 * is, in words, after "archive:" or "tree:".
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/tree_tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/transfer/layer_check.h"
#include "pkg/transfer/layer_sink.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/verify.h"

#define PIECE (256U << 10)

/* Of a layer that is still there: on a full disk no lease keeps it. */
static void tell(struct transfer_ctx *ctx, struct store *st, const char *diffid, const char *what,
		 int r)
{
	AUTO_FREE char *words = xasprintf("%s:%s", what, *err_trail() ? err_trail() : err_text(r));

	if (layer_exists(st, diffid))
		report_image(ctx, words, diffid);
	err_drop();
}

/* Return: 0; -CE_CORRUPT; -ENOENT when there is none. */
static int check_blob(struct transfer_ctx *ctx, struct store *st, const char *diffid,
		      const struct layer_record *rec)
{
	AUTO_CLOSE int fd = rec->has_blob ? layer_open(st, diffid, LAYER_BLOB) : -ENOENT;
	AUTO(hash_freep) struct hash *h = NULL;
	AUTO_FREE unsigned char *buf = NULL;
	uint64_t bytes = 0;
	ssize_t got;
	int r = 0;

	if (fd == -ENOENT)
		return rec->has_blob ? err_new(-CE_CORRUPT, "it is missing") : -ENOENT;
	if (fd < 0)
		return fd;
	if (!rec->blob_digest)
		return err_new(-CE_CORRUPT, "its digest is not known");
	h = verify_new(rec->blob_digest);
	buf = xmalloc(PIECE);
	while (r == 0 && (got = read(fd, buf, PIECE)) != 0) {
		if (got < 0)
			return err_new(-errno, "read it");
		bytes += (uint64_t)got;
		hash_add(h, buf, (size_t)got);
		r = transfer_cancelled(ctx);
	}
	if (r == 0 && bytes != rec->blob_bytes)
		return err_new(-CE_CORRUPT, "it has %llu bytes instead of %llu",
			       (unsigned long long)bytes, (unsigned long long)rec->blob_bytes);
	if (r == 0 && verify_hash(h, rec->blob_digest) < 0)
		return err_new(-CE_CORRUPT, "its digest is another");
	return r;
}

/* The archive that was kept, unpacked once more. */
static int unpack_again(struct transfer_ctx *ctx, struct store *st, const char *diffid,
			struct layer_sink *s)
{
	int r;

	closep(&ctx->fds[0]);
	ctx->fds[0] = layer_open(st, diffid, LAYER_BLOB);
	if (ctx->fds[0] < 0)
		return ctx->fds[0];
	r = sink_open(ctx, s, LAYER_OF_IMAGE, true);
	if (r == 0)
		r = sink_feed(ctx, s);
	if (r == 0 && strcmp(s->result.diffid, diffid) != 0)
		r = err_new(-CE_CORRUPT, "its content is not this layer");
	if (r == 0 && s->result.links.n)
		r = err_new(-CE_UNSUPPORTED, "it has hard links into lower layers");
	return r;
}

static int digest_of(struct store *st, int tree, bool single_id, struct out_digest *ret)
{
	struct tree_tar_options o = {
		.overlay = true, .file_marks = store_has_file_marks(st), .single_id = single_id};
	struct tree_tar_result res;

	return tree_tar(tree, out_digest(out_to_nothing(), ret), NULL, &o, &res);
}

static int compare_with_blob(struct transfer_ctx *ctx, struct store *st, const char *diffid)
{
	AUTO_CLOSE int tree = layer_open_tree(st, diffid);
	struct layer_sink s = {0};
	struct out_digest have, want;
	int r = tree < 0 ? tree : unpack_again(ctx, st, diffid, &s);

	if (r == 0)
		r = digest_of(st, s.stage.tree_fd, ctx->req.single_id, &want);
	if (r == 0)
		r = digest_of(st, tree, ctx->req.single_id, &have);
	if (r == 0 && strcmp(have.hex, want.hex) != 0)
		r = err_new(-CE_CORRUPT, "its files are not those of its archive");
	sink_done(ctx, &s);
	if (r != -CE_UNSUPPORTED)
		return r;
	err_drop(); /* not to be known without the layers below */
	return 0;
}

static int check_one(struct transfer_ctx *ctx, struct store *st, const char *diffid)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	int r = layer_record_load(st, diffid, &rec), blob, tree;

	if (r < 0) {
		err_drop(); /* whoever looks at records says so */
		return 0;
	}
	blob = check_blob(ctx, st, diffid, &rec);
	if (blob == -CE_INTERRUPTED)
		return blob;
	if (blob < 0 && blob != -ENOENT)
		tell(ctx, st, diffid, "archive", blob);
	tree = layer_check_tree(st, diffid, ctx->req.single_id);
	if (tree == -ENOENT && blob == 0)
		tree = compare_with_blob(ctx, st, diffid);
	if (tree < 0 && tree != -ENOENT)
		tell(ctx, st, diffid, "tree", tree);
	return transfer_cancelled(ctx);
}

static int check_all(struct transfer_ctx *ctx, struct store *st)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	struct layer_lease lease = {0};
	int r = layer_list(st, &ids);
	bool leased;

	/* A disk that is full is what one wants to look at a store on. */
	leased = r == 0 && layer_lease_begin(st, &lease) == 0;
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		leased = leased && layer_lease_add(st, &lease, ids.v[i]) == 0;
		err_drop();
		/* Gone by now, or not to be trusted anyway. */
		if (r == 0 && layer_exists(st, ids.v[i]))
			r = check_one(ctx, st, ids.v[i]);
	}
	layer_lease_end(st, &lease);
	return r;
}

static int mend(struct transfer_ctx *ctx, struct store *st, const char *diffid)
{
	static const struct strv none = STRV_INIT;
	AUTO(layer_record_done) struct layer_record rec = {0};
	struct layer_lease lease = {0};
	struct layer_sink s = {0};
	int r = layer_lease_begin(st, &lease);

	if (r == 0)
		r = layer_lease_add(st, &lease, diffid);
	if (r == 0)
		r = layer_record_load(st, diffid, &rec);
	if (r == 0)
		r = check_blob(ctx, st, diffid, &rec);
	if (r == 0)
		r = unpack_again(ctx, st, diffid, &s);
	if (r == 0)
		r = sink_commit(ctx, &s, rec.media_type, &none, 0);
	sink_done(ctx, &s);
	layer_lease_end(st, &lease);
	return r;
}

int transfer_op_check(struct transfer_ctx *ctx)
{
	struct transfer_check c;
	struct store *st;
	int r = transfer_check_get(&ctx->req, &c);

	if (r == 0)
		r = transfer_store(ctx, &st);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	return c.layer ? mend(ctx, st, c.layer) : check_all(ctx, st);
}
