/* SPDX-License-Identifier: MIT */
/* One compression format behind stream_decode(). */
#pragma once
#include <stddef.h>

struct codec_io {
	const unsigned char *in;
	size_t in_len; /* both move forward as input is used */
	unsigned char *out;
	size_t out_len; /* likewise */
};

struct codec {
	const char *name;
	void *(*open)(void);
	/* Begin the next member or frame. */
	void (*reset)(void *state);
	/* Do some work: 0, 1 when a member is complete, or -code with trail. */
	int (*step)(void *state, struct codec_io *io);
	void (*close)(void *state);
};

extern const struct codec codec_gzip, codec_zstd, codec_xz, codec_bzip2;
