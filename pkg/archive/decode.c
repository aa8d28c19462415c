/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "pkg/archive/codec.h"
#include "pkg/archive/stream.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"

#define INPUT_MAX (256U << 10)
#define MAGIC_MAX 16
#define RATIO_FLOOR (64ULL << 20)
/* estargz makes a member of each file, zstd:chunked a frame: members are bound by what they hold. */
#define MEMBERS_FREE 4096

struct decoder {
	struct stream base;
	struct stream *inner;
	const struct codec *codec; /* NULL: plain */
	void *state;
	struct stream_limits limits;
	uint64_t in_bytes, out_bytes, members;
	const unsigned char *in; /* unread part of buf */
	size_t in_len;
	bool in_member, at_end;
	unsigned char buf[INPUT_MAX];
};

static int refill(struct decoder *d)
{
	ssize_t got;

	if (d->in_len || d->at_end)
		return 0;
	got = stream_read(d->inner, d->buf, sizeof(d->buf));
	if (got < 0)
		return (int)got;
	d->at_end = got == 0;
	d->in = d->buf;
	d->in_len = (size_t)got;
	d->in_bytes += (uint64_t)got;
	return 0;
}

static ssize_t account(struct decoder *d, size_t n)
{
	d->out_bytes += n;
	if (d->out_bytes > d->limits.max_bytes)
		return err_new(-CE_LIMIT, "the archive holds more than %llu bytes",
			       (unsigned long long)d->limits.max_bytes);
	if (d->codec && d->out_bytes > RATIO_FLOOR &&
	    d->out_bytes / d->limits.max_ratio > d->in_bytes)
		return err_new(-CE_LIMIT, "the archive expands to more than %u times its size",
			       d->limits.max_ratio);
	return (ssize_t)n;
}

static ssize_t read_plain(struct decoder *d, void *p, size_t n)
{
	ssize_t got;

	if (d->in_len) {
		if (n > d->in_len)
			n = d->in_len;
		memcpy(p, d->in, n);
		d->in += n;
		d->in_len -= n;
		return account(d, n);
	}
	if (d->at_end)
		return 0;
	got = stream_read(d->inner, p, n);
	d->at_end = got == 0;
	return got <= 0 ? got : account(d, (size_t)got);
}

static int next_member(struct decoder *d)
{
	d->members++;
	if (d->members > MEMBERS_FREE + d->out_bytes / 512)
		return err_new(-CE_LIMIT, "too many empty %s members", d->codec->name);
	if (d->members > 1)
		d->codec->reset(d->state);
	d->in_member = true;
	return 0;
}

static ssize_t decoder_read(struct stream *s, void *p, size_t n)
{
	struct decoder *d = (struct decoder *)s;

	if (!d->codec)
		return read_plain(d, p, n);
	for (;;) {
		struct codec_io io = {.out = p, .out_len = n};
		size_t before;
		int r = refill(d);

		if (r < 0)
			return r;
		if (!d->in_member) {
			if (!d->in_len)
				return 0;
			r = next_member(d);
			if (r < 0)
				return r;
		}
		io.in = d->in;
		io.in_len = before = d->in_len;
		r = d->codec->step(d->state, &io);
		if (r < 0)
			return r;
		d->in = io.in;
		d->in_len = io.in_len;
		if (r > 0)
			d->in_member = false;
		if (io.out_len < n)
			return account(d, n - io.out_len);
		if (r == 0 && io.in_len == before && (d->at_end || before))
			return err_new(-CE_BAD_FORMAT,
				       d->at_end ? "%s data is truncated" : "%s data is damaged",
				       d->codec->name);
	}
}

static void decoder_close(struct stream *s)
{
	struct decoder *d = (struct decoder *)s;

	if (d->codec && d->state)
		d->codec->close(d->state);
	stream_close(d->inner);
	free(d);
}

/* Enough of the beginning to tell the format, however small the pieces in which it comes. */
static int detect(struct decoder *d, enum stream_format *f)
{
	d->in = d->buf;
	while (d->in_len < MAGIC_MAX && !d->at_end) {
		ssize_t got = stream_read(d->inner, d->buf + d->in_len, sizeof(d->buf) - d->in_len);

		if (got < 0)
			return (int)got;
		d->at_end = got == 0;
		d->in_len += (size_t)got;
		d->in_bytes += (uint64_t)got;
	}
	return stream_detect(d->buf, d->in_len, f);
}

int stream_decode(struct stream *inner, enum stream_format f, const struct stream_limits *l,
		  struct stream **ret)
{
	static const struct stream_ops ops = {decoder_read, decoder_close};
	static const struct codec *const codecs[] = {
		[STREAM_GZIP] = &codec_gzip,
		[STREAM_ZSTD] = &codec_zstd,
		[STREAM_XZ] = &codec_xz,
		[STREAM_BZIP2] = &codec_bzip2,
	};
	struct decoder *d = xmalloc(sizeof(*d));
	int r;

	memset(d, 0, offsetof(struct decoder, buf));
	d->base.ops = &ops;
	d->inner = inner;
	if (l)
		d->limits = *l;
	if (!d->limits.max_bytes)
		d->limits.max_bytes = 64ULL << 30;
	if (!d->limits.max_ratio)
		d->limits.max_ratio = 200;
	if (f == STREAM_DETECT) {
		r = detect(d, &f);
		if (r == 0 && d->limits.image_layer && (f == STREAM_XZ || f == STREAM_BZIP2))
			r = err_new(-CE_UNSUPPORTED, "a layer with %s compression",
				    codecs[f]->name);
		if (r < 0) {
			decoder_close(&d->base);
			return r;
		}
	}
	d->codec = codecs[f];
	if (d->codec)
		d->state = d->codec->open();
	*ret = &d->base;
	return 0;
}
