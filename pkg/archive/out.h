/* SPDX-License-Identifier: MIT */
/*
 * Where bytes go: the writing twin of stream.h. Filters hold the one below and close it with
 * themselves. What lies in out.c needs libc only and is part of cuddy too; out_encode.c, the
 * compressors, of cuddy-transfer alone.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct out;
struct out_ops {
	int (*write)(struct out *o, const void *p, size_t n); /* 0, or a code with trail */
	int (*finish)(struct out *o); /* write what is held back; once, after the last write */
	void (*close)(struct out *o);
};
struct out {
	const struct out_ops *ops;
};

int out_write(struct out *o, const void *p, size_t n); /* at most 1 GiB at once */
/** out_finish() - of this filter and all below it. Without it the output is incomplete. */
int out_finish(struct out *o);
void out_close(struct out *o); /* NULL is fine */
void out_closep(struct out **o);

struct out *out_to_fd(int fd); /* @fd stays the caller's; no fsync */
struct sbuf;
struct out *out_to_memory(struct sbuf *b); /* @b stays the caller's, and lives as long */
struct out *out_to_nothing(void); /* for who only wants a digest */

struct out_digest {
	char hex[65]; /* sha256, set by out_finish() */
	uint64_t bytes;
};
/** out_digest() - passes on to @below and tells @ret what passed; @ret lives as long as the result. */
struct out *out_digest(struct out *below, struct out_digest *ret);

/* OUT_CHUNKED is zstd with an index of its own, which is no filter: pkg/transfer/chunked_write.h. */
enum out_format { OUT_PLAIN, OUT_GZIP, OUT_ZSTD, OUT_CHUNKED };
/**
 * out_encode() - compress into @below, which is closed with the result (also on failure)
 * @level: 0 for the default, which for gzip is several times as fast as zlib's and 5-10% larger;
 * 1-9 is zlib's own. zstd: 1-22, default 3. The result is the same on each run.
 */
int out_encode(struct out *below, enum out_format f, int level, struct out **ret);
