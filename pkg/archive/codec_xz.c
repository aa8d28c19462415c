/* SPDX-License-Identifier: MIT */
/* xz and bzip2: for archives given to "load" and "import"; no registry layer has them. */
#include "pkg/archive/codec.h"

#include <bzlib.h>
#include <lzma.h>
#include <stdlib.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

#define XZ_MEMORY_MAX (128ULL << 20)

/* --- xz ---------------------------------------------------------------------------------------- */

static void xz_reset(void *state)
{
	lzma_stream *s = state;

	/* Its allocations are reused by a second initialisation. */
	if (lzma_stream_decoder(s, XZ_MEMORY_MAX, 0) != LZMA_OK)
		abort();
}

static void *xz_open(void)
{
	lzma_stream *s = xmalloc(sizeof(*s));

	*s = (lzma_stream)LZMA_STREAM_INIT;
	xz_reset(s);
	return s;
}

static int xz_step(void *state, struct codec_io *io)
{
	lzma_stream *s = state;
	lzma_ret r;

	s->next_in = io->in;
	s->avail_in = io->in_len;
	s->next_out = io->out;
	s->avail_out = io->out_len;
	r = lzma_code(s, LZMA_RUN);
	if (r == LZMA_MEMLIMIT_ERROR)
		return err_new(-CE_LIMIT, "xz wants more than 128 MiB of memory");
	/* BUF_ERROR: no progress possible; the caller sees that and says why. */
	if (r != LZMA_OK && r != LZMA_STREAM_END && r != LZMA_BUF_ERROR)
		return err_new(-CE_BAD_FORMAT, "xz data is damaged");
	io->in = s->next_in;
	io->in_len = s->avail_in;
	io->out = s->next_out;
	io->out_len = s->avail_out;
	return r == LZMA_STREAM_END;
}

static void xz_close(void *state)
{
	lzma_end(state);
	free(state);
}

const struct codec codec_xz = {"xz", xz_open, xz_reset, xz_step, xz_close};

/* --- bzip2 ------------------------------------------------------------------------------------- */

static void *bzip2_open(void)
{
	bz_stream *s = xcalloc(1, sizeof(*s));

	if (BZ2_bzDecompressInit(s, 0, 0) != BZ_OK)
		abort();
	return s;
}

static void bzip2_reset(void *state)
{
	bz_stream *s = state;

	(void)BZ2_bzDecompressEnd(s);
	*s = (bz_stream){0};
	if (BZ2_bzDecompressInit(s, 0, 0) != BZ_OK)
		abort();
}

static int bzip2_step(void *state, struct codec_io *io)
{
	bz_stream *s = state;
	int r;

	s->next_in = (char *)(size_t)io->in;
	s->avail_in = (unsigned)io->in_len;
	s->next_out = (char *)io->out;
	s->avail_out = (unsigned)io->out_len;
	r = BZ2_bzDecompress(s);
	if (r != BZ_OK && r != BZ_STREAM_END)
		return err_new(-CE_BAD_FORMAT, "bzip2 data is damaged");
	io->in += io->in_len - s->avail_in;
	io->in_len = s->avail_in;
	io->out += io->out_len - s->avail_out;
	io->out_len = s->avail_out;
	return r == BZ_STREAM_END;
}

static void bzip2_close(void *state)
{
	(void)BZ2_bzDecompressEnd(state);
	free(state);
}

const struct codec codec_bzip2 = {"bzip2", bzip2_open, bzip2_reset, bzip2_step, bzip2_close};
