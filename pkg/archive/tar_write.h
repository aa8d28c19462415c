/* SPDX-License-Identifier: MIT */
/*
 * Tar, writing: POSIX ustar headers, and a pax header before those that ustar cannot say (long or
 * high numbers, long paths, extended attributes). Nothing but the entries decides the bytes: no
 * names of users, no clock, no process id. What is written here is read by tar.h.
 */
#pragma once
#include "pkg/archive/out.h"
#include "pkg/archive/tar.h"

struct tar_write_options {
	bool subsecond; /* keep nanoseconds of mtime, by pax */
	bool has_clamp;
	int64_t clamp_s; /* no mtime is later than this */
};

struct tar_writer;
/** tar_writer_new() - @out stays the caller's; @o may be NULL */
struct tar_writer *tar_writer_new(struct out *out, const struct tar_write_options *o);
void tar_writer_free(struct tar_writer *w); /* NULL is fine */
void tar_writer_freep(struct tar_writer **w);

/**
 * tar_write_entry() - the headers of one entry; content of a TAR_FILE follows, exactly e->size bytes
 * @e: as tar_next() gives it. "" is the root and becomes "./"; directories get their slash here.
 * Attributes whose name has a '=' have no place in a pax header and are left out.
 */
int tar_write_entry(struct tar_writer *w, const struct tar_entry *e);
int tar_write_content(struct tar_writer *w, const void *p, size_t n);
/**
 * tar_write_file() - the content of the last entry from @fd
 * A file that shrinks while it is read is filled up with zeros, one that grows is cut: the header
 * is written already. Return: 0, 1 when that happened, or a code.
 */
int tar_write_file(struct tar_writer *w, int fd);
/** tar_write_end() - the two empty blocks; the writer's buffer goes out. out_finish() is the caller's. */
int tar_write_end(struct tar_writer *w);
