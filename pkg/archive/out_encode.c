/* SPDX-License-Identifier: MIT */
/*
 * Compression. Headers carry no time and no name, and the same input gives the same bytes: zstd's
 * result does not depend on how many workers there are once there is one, so there always is.
 */
#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "pkg/archive/out.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

#define PIECE (256U << 10)
#define FAST_LEVEL 2
#define WORKERS_MAX 4

struct encoder {
	struct out base;
	struct out *below;
	void *state;
	unsigned char *level_buf;
	unsigned char buf[PIECE];
};

static void encoder_free(struct encoder *e)
{
	out_close(e->below);
	free(e->level_buf);
	free(e);
}

/* --- gzip, fast -------------------------------------------------------------------------------- */

static int fast_run(struct encoder *e, const void *p, size_t n, bool end)
{
	struct isal_zstream *z = e->state;
	int r = 0;

	z->next_in = (unsigned char *)(size_t)p;
	z->avail_in = (uint32_t)n;
	z->end_of_stream = end;
	do {
		z->next_out = e->buf;
		z->avail_out = PIECE;
		if (isal_deflate(z) != COMP_OK)
			return err_new(-EIO, "gzip");
		if (z->avail_out < PIECE)
			r = out_write(e->below, e->buf, PIECE - z->avail_out);
	} while (r == 0 && (z->avail_in || z->avail_out == 0 ||
			    (end && z->internal_state.state != ZSTATE_END)));
	return r;
}

static int fast_write(struct out *o, const void *p, size_t n)
{
	return n ? fast_run((struct encoder *)o, p, n, false) : 0;
}

static int fast_finish(struct out *o)
{
	struct encoder *e = (struct encoder *)o;
	int r = fast_run(e, NULL, 0, true);

	return r < 0 ? r : out_finish(e->below);
}

static void fast_close(struct out *o)
{
	free(((struct encoder *)o)->state);
	encoder_free((struct encoder *)o);
}

static int fast_open(struct encoder *e)
{
	static const struct out_ops ops = {fast_write, fast_finish, fast_close};
	struct isal_zstream *z = xmalloc(sizeof(*z));

	isal_deflate_init(z);
	e->level_buf = xmalloc(ISAL_DEF_LVL2_DEFAULT);
	z->gzip_flag = IGZIP_GZIP;
	z->level = FAST_LEVEL;
	z->level_buf = e->level_buf;
	z->level_buf_size = ISAL_DEF_LVL2_DEFAULT;
	z->flush = NO_FLUSH;
	e->state = z;
	e->base.ops = &ops;
	return 0;
}

/* --- gzip, zlib's levels ----------------------------------------------------------------------- */

static int zlib_run(struct encoder *e, const void *p, size_t n, int flush)
{
	z_stream *z = e->state;
	int r = 0;

	z->next_in = (unsigned char *)(size_t)p;
	z->avail_in = (uInt)n;
	do {
		z->next_out = e->buf;
		z->avail_out = PIECE;
		if (deflate(z, flush) == Z_STREAM_ERROR)
			return err_new(-EIO, "gzip");
		if (z->avail_out < PIECE)
			r = out_write(e->below, e->buf, PIECE - z->avail_out);
	} while (r == 0 && z->avail_out == 0);
	return r;
}

static int zlib_write(struct out *o, const void *p, size_t n)
{
	return n ? zlib_run((struct encoder *)o, p, n, Z_NO_FLUSH) : 0;
}

static int zlib_finish(struct out *o)
{
	struct encoder *e = (struct encoder *)o;
	int r = zlib_run(e, NULL, 0, Z_FINISH);

	return r < 0 ? r : out_finish(e->below);
}

static void zlib_close(struct out *o)
{
	struct encoder *e = (struct encoder *)o;

	(void)deflateEnd(e->state);
	free(e->state);
	encoder_free(e);
}

static int zlib_open(struct encoder *e, int level)
{
	static const struct out_ops ops = {zlib_write, zlib_finish, zlib_close};
	z_stream *z = xcalloc(1, sizeof(*z));

	if (deflateInit2(z, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return err_new(-ENOMEM, "gzip");
	}
	e->state = z;
	e->base.ops = &ops;
	return 0;
}

/* --- zstd -------------------------------------------------------------------------------------- */

static int zstd_run(struct encoder *e, const void *p, size_t n, ZSTD_EndDirective what)
{
	ZSTD_inBuffer in = {p, n, 0};
	size_t left;
	int r = 0;

	do {
		ZSTD_outBuffer out = {e->buf, PIECE, 0};

		left = ZSTD_compressStream2(e->state, &out, &in, what);
		if (ZSTD_isError(left))
			return err_new(-EIO, "zstd: %s", ZSTD_getErrorName(left));
		if (out.pos)
			r = out_write(e->below, e->buf, out.pos);
	} while (r == 0 && (what == ZSTD_e_end ? left != 0 : in.pos < in.size));
	return r;
}

static int zstd_write(struct out *o, const void *p, size_t n)
{
	return n ? zstd_run((struct encoder *)o, p, n, ZSTD_e_continue) : 0;
}

static int zstd_finish(struct out *o)
{
	struct encoder *e = (struct encoder *)o;
	int r = zstd_run(e, NULL, 0, ZSTD_e_end);

	return r < 0 ? r : out_finish(e->below);
}

static void zstd_close(struct out *o)
{
	struct encoder *e = (struct encoder *)o;

	(void)ZSTD_freeCCtx(e->state);
	encoder_free(e);
}

static int zstd_open(struct encoder *e, int level)
{
	static const struct out_ops ops = {zstd_write, zstd_finish, zstd_close};
	ZSTD_CCtx *c = ZSTD_createCCtx();
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!c)
		return err_new(-ENOMEM, "zstd");
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_nbWorkers,
				     cpus < 2 ? 1 : (int)(cpus < WORKERS_MAX ? cpus : WORKERS_MAX));
	e->state = c;
	e->base.ops = &ops;
	return 0;
}

int out_encode(struct out *below, enum out_format f, int level, struct out **ret)
{
	struct encoder *e;
	int max = f == OUT_GZIP ? 9 : 22, r;

	if (f == OUT_PLAIN) {
		*ret = below;
		return 0;
	}
	if (level < 0 || level > max) {
		out_close(below);
		return err_usage("compression level %d: 1 to %d are possible", level, max);
	}
	e = xcalloc(1, sizeof(*e));
	e->below = below;
	if (f == OUT_ZSTD)
		r = zstd_open(e, level ? level : 3);
	else
		r = level ? zlib_open(e, level) : fast_open(e);
	if (r < 0) {
		encoder_free(e);
		return r;
	}
	*ret = &e->base;
	return 0;
}
