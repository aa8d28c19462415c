/* SPDX-License-Identifier: MIT */
/* zstd: a window above 128 MiB is refused before memory is reserved for it (L12). */
#include "pkg/archive/codec.h"

#include <zstd.h>

#include "pkg/base/err.h"

#define WINDOW_LOG_MAX 27

static void *frames_open(void)
{
	ZSTD_DCtx *c = ZSTD_createDCtx();

	if (c)
		(void)ZSTD_DCtx_setParameter(c, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return c;
}

static void frames_reset(void *state)
{
	(void)state; /* the next frame begins by itself */
}

static int frames_step(void *state, struct codec_io *io)
{
	ZSTD_inBuffer in = {io->in, io->in_len, 0};
	ZSTD_outBuffer out = {io->out, io->out_len, 0};
	size_t r;

	if (!state)
		return err_new(-ENOMEM, "zstd");
	r = ZSTD_decompressStream(state, &out, &in);
	if (ZSTD_isError(r))
		return err_new(-CE_BAD_FORMAT, "zstd: %s", ZSTD_getErrorName(r));
	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	return r == 0;
}

static void frames_close(void *state)
{
	(void)ZSTD_freeDCtx(state);
}

const struct codec codec_zstd = {"zstd", frames_open, frames_reset, frames_step, frames_close};
