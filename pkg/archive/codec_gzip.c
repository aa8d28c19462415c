/* SPDX-License-Identifier: MIT */
/* gzip by ISA-L: twice as fast as zlib. Its header parser stores no names (L12: no inflateGetHeader). */
#include "pkg/archive/codec.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

static void gzip_reset(void *state)
{
	struct inflate_state *s = state;

	isal_inflate_reset(s);
	s->crc_flag = ISAL_GZIP;
}

static void *gzip_open(void)
{
	struct inflate_state *s = xmalloc(sizeof(*s));

	isal_inflate_init(s);
	s->crc_flag = ISAL_GZIP;
	return s;
}

static const char *reason(int r)
{
	switch (r) {
	case ISAL_INCORRECT_CHECKSUM:
		return "gzip checksum does not match";
	case ISAL_INVALID_WRAPPER:
		return "not a gzip header";
	case ISAL_UNSUPPORTED_METHOD:
		return "gzip with an unknown method";
	default:
		return "gzip data is damaged";
	}
}

static int gzip_step(void *state, struct codec_io *io)
{
	struct inflate_state *s = state;
	int r;

	s->next_in = (unsigned char *)(size_t)io->in;
	s->avail_in = (uint32_t)io->in_len;
	s->next_out = io->out;
	s->avail_out = (uint32_t)io->out_len;
	r = isal_inflate(s);
	/* END_INPUT and OUT_OVERFLOW are positive: more room or bytes wanted. */
	if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT && r != ISAL_OUT_OVERFLOW)
		return err_new(-CE_BAD_FORMAT, "%s", reason(r));
	io->in = s->next_in;
	io->in_len = s->avail_in;
	io->out = s->next_out;
	io->out_len = s->avail_out;
	return s->block_state == ISAL_BLOCK_FINISH;
}

const struct codec codec_gzip = {"gzip", gzip_open, gzip_reset, gzip_step, free};
