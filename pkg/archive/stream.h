/* SPDX-License-Identifier: MIT */
/*
 * Streams of foreign bytes: a descriptor or memory at the bottom, a decompressor on top.
 * Everything is decoded in this process; no library here loads code or starts programs (C03).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stream;
struct stream_ops {
	/* Up to @n bytes; 0 at the end for ever after; negative code with trail. */
	ssize_t (*read)(struct stream *s, void *p, size_t n);
	void (*close)(struct stream *s);
};
struct stream {
	const struct stream_ops *ops;
};

enum stream_format {
	STREAM_DETECT, /* by the first bytes; what matches nothing is plain */
	STREAM_PLAIN,
	STREAM_GZIP,
	STREAM_ZSTD,
	STREAM_XZ,
	STREAM_BZIP2,
};

/* What a decoder may produce (L12). */
struct stream_limits {
	uint64_t max_bytes; /* of output; 0: 64 GiB */
	unsigned max_ratio; /* output : input, looked at above 64 MiB of output; 0: 200 */
	bool image_layer; /* detected are only the formats that layers of images have (F1) */
};

struct stream *stream_from_fd(int fd); /* @fd stays the caller's */
struct stream *stream_from_memory(const void *p, size_t n);
/**
 * stream_decode() - the uncompressed content of @inner
 * Members and frames that follow each other are one content; anything else after them, a truncated
 * end, a zstd window above 128 MiB, and content over @l are errors. @inner is closed with the result
 * (also on failure).
 * Return: 0; -CE_UNSUPPORTED for a compression we know and do not decode; -code with trail.
 */
int stream_decode(struct stream *inner, enum stream_format f, const struct stream_limits *l,
		  struct stream **ret);

ssize_t stream_read(struct stream *s, void *p, size_t n);
void stream_close(struct stream *s); /* NULL is fine */
void stream_closep(struct stream **s);

/** stream_detect() - what the first @n (16 are enough) bytes of something are. */
int stream_detect(const unsigned char *p, size_t n, enum stream_format *ret);
