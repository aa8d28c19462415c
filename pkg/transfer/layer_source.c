/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/layer_source.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/archive/recipe.h"
#include "pkg/archive/stream.h"
#include "pkg/archive/tree_tar.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/blob_keeper.h"
#include "pkg/transfer/chunked_write.h"

#define PIECE (256U << 10)

/* --- plain ------------------------------------------------------------------------------------- */

static int by_recipe(struct store *st, const char *diffid, struct out *out)
{
	AUTO_CLOSE int recipe = layer_open(st, diffid, LAYER_RECIPE), tree = -EBADF, data = -EBADF;

	if (recipe < 0)
		return recipe;
	tree = layer_open_tree(st, diffid);
	if (tree < 0)
		return tree;
	data = layer_open_data(st, diffid);
	return data < 0 && data != -ENOENT ? data : recipe_make(recipe, tree, data, out);
}

static int by_blob(struct store *st, const char *diffid, struct out *out)
{
	AUTO_CLOSE int fd = layer_open(st, diffid, LAYER_BLOB);
	AUTO(stream_closep) struct stream *s = NULL;
	AUTO_FREE unsigned char *buf = NULL;
	struct stream_limits l = {.max_ratio = 1U << 20}; /* it was looked at when it came */
	ssize_t got;
	int r;

	if (fd < 0)
		return fd;
	r = stream_decode(stream_from_fd(fd), STREAM_DETECT, &l, &s);
	if (r < 0)
		return r;
	buf = xmalloc(PIECE);
	while (r == 0 && (got = stream_read(s, buf, PIECE)) != 0)
		r = got < 0 ? (int)got : out_write(out, buf, (size_t)got);
	return r;
}

/* Layers made here: the tree is all there is, and the same tree gives the same archive. */
static int by_tree(struct store *st, const char *diffid, bool single_id, struct out *out)
{
	AUTO_CLOSE int tree = layer_open_tree(st, diffid), data = layer_open_data(st, diffid);
	AUTO(layer_record_done) struct layer_record rec = {0};
	struct tree_tar_options o = {.overlay = true,
				     .file_marks = store_has_file_marks(st),
				     .single_id = single_id,
				     .implied = &rec.implied};
	struct tree_tar_result res;
	int r = tree < 0 ? tree : layer_record_load(st, diffid, &rec);

	if (r == 0 && data < 0 && data != -ENOENT)
		r = data;
	if (r < 0)
		return r;
	o.data = data > 0 ? data : 0;
	strv_sort(&rec.implied);
	return tree_tar(tree, out, NULL, &o, &res);
}

/* The tree gives another archive: because it changed, or because it was not packed as we pack. */
static int another_archive(struct store *st, const char *diffid)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	AUTO_CLOSE int recipe = layer_open(st, diffid, LAYER_RECIPE);
	int r = layer_record_load(st, diffid, &rec);

	if (r < 0)
		return r;
	if (recipe >= 0)
		return err_new(-CE_CORRUPT, "its files changed since it was made");
	return err_new(-CE_CORRUPT, "%s",
		       rec.has_recipe
			       ? "what says how its files were packed is missing"
			       : "its files changed since it was made, or what says how they were "
				 "packed is lost");
}

static int make_tar(struct store *st, const char *diffid, bool single_id, struct out *below,
		    uint64_t *ret_bytes)
{
	struct out_digest d = {0};
	AUTO(out_closep) struct out *out = out_digest(below, &d);
	int r = by_recipe(st, diffid, out);

	if (r == -ENOENT)
		r = by_blob(st, diffid, out);
	if (r == 0)
		r = out_finish(out);
	else if (r == -ENOENT)
		r = by_tree(st, diffid, single_id, out);
	if (r == 0 && strcmp(d.hex, diffid) != 0)
		r = another_archive(st, diffid);
	*ret_bytes = d.bytes;
	return r;
}

int layer_tar_unnamed(struct store *st, const char *diffid, bool single_id, struct out *below)
{
	uint64_t bytes;

	return make_tar(st, diffid, single_id, below, &bytes);
}

int layer_tar(struct store *st, const char *diffid, bool single_id, struct out *below)
{
	int r = layer_tar_unnamed(st, diffid, single_id, below);

	return r < 0 ? err_wrap(r, "layer %.12s", diffid) : 0;
}

int layer_tar_size(struct store *st, const char *diffid, bool single_id, uint64_t *ret)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	int r = layer_record_load(st, diffid, &rec);

	*ret = rec.tar_bytes;
	if (r < 0 || rec.tar_bytes)
		return r;
	r = make_tar(st, diffid, single_id, out_to_nothing(), ret);
	return r < 0 ? err_wrap(r, "layer %.12s", diffid) : 0;
}

/* --- compressed -------------------------------------------------------------------------------- */

void layer_blob_done(struct layer_blob *b)
{
	freep(&b->digest);
	strv_done(&b->annotations);
	if (b->fd > 0)
		closep(&b->fd);
	b->fd = -EBADF;
}

static int open_kept(struct store *st, const char *diffid, const struct layer_record *rec,
		     struct layer_blob *ret)
{
	int fd = rec->blob_digest ? layer_open(st, diffid, LAYER_BLOB) : -ENOENT;
	struct stat sb;

	if (fd < 0)
		return fd;
	if (fstat(fd, &sb) < 0 || (uint64_t)sb.st_size != rec->blob_bytes) {
		(void)close(fd);
		return err_new(-CE_CORRUPT, "the kept archive of layer %.12s", diffid);
	}
	ret->fd = fd;
	ret->digest = xstrdup(rec->blob_digest);
	ret->size = rec->blob_bytes;
	return 0;
}

int layer_blob_nameless(struct store *st)
{
	int staging = store_fd(st, STORE_STAGING), fd;

	if (staging < 0)
		return staging;
	fd = openat(staging, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? err_new(-errno, "temporary file in the store") : fd;
}

/* --- zstd:chunked ------------------------------------------------------------------------------ */

/* A thread makes the archive while it is cut up; its failure is kept for who waits for it. */
struct producer {
	struct store *st;
	const char *diffid;
	bool single_id;
	int fd, code;
	char words[512];
};

static void *produce(void *arg)
{
	struct producer *p = arg;

	p->code = layer_tar(p->st, p->diffid, p->single_id, out_to_fd(p->fd));
	if (p->code < 0)
		(void)snprintf(p->words, sizeof(p->words), "%s", err_trail());
	closep(&p->fd);
	return NULL;
}

static int cut_up(struct store *st, const char *diffid, bool single_id, int level, struct out *out,
		  struct sbuf *where, struct chunked *ret)
{
	struct producer p = {.st = st, .diffid = diffid, .single_id = single_id};
	int pipe[2], r;
	pthread_t thread;

	if (pipe2(pipe, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	p.fd = pipe[1];
	if (pthread_create(&thread, NULL, produce, &p) != 0) {
		(void)close(pipe[0]);
		(void)close(pipe[1]);
		return err_new(-EAGAIN, "start a thread");
	}
	r = chunked_encode(stream_from_fd(pipe[0]), level, out, where, ret);
	(void)close(pipe[0]); /* who writes on learns it */
	(void)pthread_join(thread, NULL);
	return p.code < 0 && p.code != -EPIPE ? err_set(p.code, p.words) : r;
}

/* For the next layers that have some of its content. */
static void keep_where(struct store *st, const char *diffid, const struct sbuf *where)
{
	AUTO_CLOSE int fd = layer_blob_nameless(st);

	if (fd < 0 || write_full(fd, where->s, where->len) < 0 ||
	    layer_adopt_digests(st, diffid, fd) < 0)
		err_drop();
}

static int encode_chunked(struct store *st, const char *diffid, bool single_id, int level,
			  struct layer_blob *ret)
{
	AUTO_CLOSE int fd = layer_blob_nameless(st);
	AUTO_SBUF struct sbuf where = SBUF_INIT;
	struct out_digest d = {0};
	AUTO(out_closep) struct out *out = NULL;
	struct chunked c;
	int r;

	if (fd < 0)
		return fd;
	out = out_digest(out_to_fd(fd), &d);
	r = cut_up(st, diffid, single_id, level, out, &where, &c);
	if (r < 0)
		return err_wrap(r, "layer %.12s as zstd:chunked", diffid);
	keep_where(st, diffid, &where);
	chunked_annotate(&c, &ret->annotations);
	ret->fd = TAKE_FD(fd);
	ret->digest = xasprintf("sha256:%s", d.hex);
	ret->size = d.bytes;
	ret->format = OUT_CHUNKED;
	return 0;
}

static int encode(struct store *st, const char *diffid, bool single_id, enum out_format f,
		  int level, struct layer_blob *ret)
{
	AUTO_CLOSE int fd = layer_blob_nameless(st);
	struct out_digest d = {0};
	struct out *out = NULL;
	int r;

	if (fd < 0)
		return fd;
	r = out_encode(out_digest(out_to_fd(fd), &d), f, level, &out);
	if (r == 0)
		r = layer_tar(st, diffid, single_id, out);
	if (r < 0)
		return r;
	ret->fd = TAKE_FD(fd);
	ret->digest = xasprintf("sha256:%s", d.hex);
	ret->size = d.bytes;
	ret->format = f;
	return 0;
}

int layer_blob_kept(struct store *st, const char *diffid, const char *digest, uint64_t size,
		    struct layer_blob *ret)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	int r = layer_record_load(st, diffid, &rec);

	*ret = (struct layer_blob){.fd = -EBADF};
	if (r < 0)
		return r;
	if (!rec.blob_digest || strcmp(rec.blob_digest, digest) != 0)
		return -ENOENT;
	r = open_kept(st, diffid, &rec, ret);
	if (r == 0 && ret->size != size) {
		layer_blob_done(ret);
		r = err_new(-CE_BAD_SIZE, "layer %.12s", diffid);
	}
	return r;
}

int layer_blob_as(struct store *st, const char *diffid, bool single_id, const char *digest,
		  uint64_t size, struct layer_blob *ret)
{
	AUTO_FREE char *plain = xasprintf("sha256:%s", diffid);
	int r = layer_blob_kept(st, diffid, digest, size, ret);

	return r == -ENOENT && strcmp(plain, digest) == 0
		       ? encode(st, diffid, single_id, OUT_PLAIN, 0, ret)
		       : r;
}

static const char *type_of(enum out_format f)
{
	return f == OUT_ZSTD || f == OUT_CHUNKED ? MEDIA_OCI_LAYER_ZSTD
	       : f == OUT_GZIP                   ? MEDIA_OCI_LAYER_GZIP
						 : MEDIA_OCI_LAYER;
}

static bool is_format(const struct layer_record *rec, enum out_format f)
{
	static const enum layer_media media[] = {[OUT_PLAIN] = LAYER_MEDIA_TAR,
						 [OUT_GZIP] = LAYER_MEDIA_GZIP,
						 [OUT_ZSTD] = LAYER_MEDIA_ZSTD};

	/* Whether what is kept has a table of contents, its record does not say. */
	return f != OUT_CHUNKED && rec->media_type &&
	       manifest_layer_media(rec->media_type) == media[f];
}

int layer_blob_in(struct store *st, const char *diffid, bool single_id, enum out_format f,
		  int level, struct layer_blob *ret)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	int r = layer_record_load(st, diffid, &rec);

	*ret = (struct layer_blob){.fd = -EBADF};
	if (r == 0 && level == 0 && is_format(&rec, f)) {
		r = open_kept(st, diffid, &rec, ret);
		ret->format = f;
		if (r != -ENOENT)
			return r;
		r = 0;
	}
	if (r == 0)
		r = f == OUT_CHUNKED ? encode_chunked(st, diffid, single_id, level, ret)
				     : encode(st, diffid, single_id, f, level, ret);
	if (r == 0 && level == 0 && f != OUT_PLAIN && !rec.has_blob && !rec.blob_digest &&
	    blob_keeper_wants(ret->fd, 0) &&
	    layer_adopt_blob(st, diffid, ret->fd, ret->digest, type_of(f), ret->size) < 0)
		err_drop(); /* it is made again the next time */
	return r;
}
