/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/layer_sink.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/transfer/source.h"

#define PIECE (256U << 10)

int sink_open(struct transfer_ctx *ctx, struct layer_sink *s, enum layer_compression c,
	      bool want_blob)
{
	struct unpack_limits l = {.single_id = ctx->req.single_id};
	struct store *st;
	int r = transfer_store(ctx, &st);

	*s = (struct layer_sink){0};
	if (r < 0)
		return r;
	l.file_marks = store_has_file_marks(st);
	r = layer_stage_begin(st, &s->stage);
	if (r < 0)
		return r;
	s->staged = true;
	r = unpack_start(&s->stage, c, &l, &s->job);
	if (r < 0)
		return r;
	s->running = true;
	if (want_blob) {
		s->hash = hash_new(HASH_SHA256);
		blob_keeper_begin(&s->keeper, st, &s->stage, 0);
	}
	return 0;
}

int sink_write(struct layer_sink *s, const void *p, size_t n)
{
	int r = 0;

	s->bytes += n;
	if (s->hash) {
		hash_add(s->hash, p, n);
		blob_keeper_add(&s->keeper, p, n);
	}
	if (!s->broken)
		r = write_full(s->job.input_fd, p, n);
	if (r == -EPIPE) {
		s->broken = true;
		r = 0;
	}
	return r < 0 ? err_new(r, "feed the unpack worker") : 0;
}

void sink_finish(struct layer_sink *s)
{
	char hex[HASH_HEX_MAX];

	if (!s->running)
		return;
	s->running = false;
	if (s->hash) {
		hash_hex(s->hash, hex);
		memcpy(s->blob, hex, sizeof(s->blob));
	}
	s->error = unpack_finish(&s->job, &s->result);
	if (s->error < 0) {
		s->words = xstrdup(err_trail());
		err_drop();
	}
}

/* The worker finds out what compression it is. */
int sink_feed(struct transfer_ctx *ctx, struct layer_sink *s)
{
	AUTO(stream_closep) struct stream *in = source_new(ctx, ctx->fds[0]);
	AUTO_FREE unsigned char *buf = xmalloc(PIECE);
	ssize_t got;
	int r = 0;

	while (r == 0 && (got = stream_read(in, buf, PIECE)) != 0)
		r = got < 0 ? (int)got : sink_write(s, buf, (size_t)got);
	if (r < 0)
		return r;
	sink_finish(s);
	r = sink_error(s);
	if (r == 0 && s->result.entries == 0)
		r = err_new(-CE_BAD_FORMAT, "the archive is empty");
	return r;
}

int sink_error(const struct layer_sink *s)
{
	return s->error < 0 ? err_set(s->error, s->words) : 0;
}

static int open_lower(struct store *st, const char *diffid)
{
	AUTO_FREE char *path = path_join(diffid, "tree");
	int fd = openat(store_fd(st, STORE_LAYERS), path,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_new(-errno, "open layer %s", diffid) : fd;
}

int layer_resolve_links(struct store *st, const struct layer_stage *stage,
			const struct unpack_result *u, const struct strv *lower, size_t n_lower)
{
	AUTO_FREE int *fds = NULL;
	size_t n = 0;
	int r = 0;

	if (!u->links.n)
		return 0;
	fds = xcalloc(n_lower + 1, sizeof(*fds));
	while (r >= 0 && n < n_lower) {
		r = open_lower(st, lower->v[n_lower - 1 - n]);
		if (r >= 0)
			fds[n++] = r;
	}
	if (r >= 0)
		r = unpack_resolve_links(stage, u, fds, (unsigned)n);
	while (n)
		(void)close(fds[--n]);
	return r < 0 ? r : 0;
}

static void report_notes(struct transfer_ctx *ctx, const struct strv *notes)
{
	if (notes->n)
		report_message(ctx, true, "%s%s", notes->v[0],
			       notes->n > 1 ? " (and others like it)" : "");
}

int sink_commit(struct transfer_ctx *ctx, struct layer_sink *s, const char *media_type,
		const struct strv *lower, size_t n_lower)
{
	struct layer_record rec = {.media_type = (char *)(size_t)media_type,
				   .blob_bytes = s->bytes,
				   .tree_bytes = s->result.tree_bytes,
				   .tar_bytes = s->result.tar_bytes,
				   .implied = s->result.implied,
				   .has_recipe = s->result.has_recipe && s->stage.recipe_fd >= 0,
				   .has_blob = blob_keeper_end(&s->keeper)};
	AUTO_FREE char *digest = NULL;
	struct store *st;
	int r = transfer_store(ctx, &st);

	if (r < 0 || layer_exists(st, s->result.diffid))
		return r;
	r = layer_resolve_links(st, &s->stage, &s->result, lower, n_lower);
	if (r < 0)
		return r;
	report_notes(ctx, &s->result.notes);
	if (s->blob[0])
		rec.blob_digest = digest = xasprintf("sha256:%s", s->blob);
	return layer_stage_commit(st, &s->stage, s->result.diffid, &rec);
}

void sink_done(struct transfer_ctx *ctx, struct layer_sink *s)
{
	struct store *st;

	if (s->running)
		unpack_cancel(&s->job);
	if (s->staged && transfer_store(ctx, &st) == 0)
		layer_stage_abort(st, &s->stage);
	blob_keeper_stop(&s->keeper);
	hash_free(s->hash);
	unpack_result_done(&s->result);
	free(s->words);
	*s = (struct layer_sink){0};
}
