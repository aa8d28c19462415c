/* SPDX-License-Identifier: MIT */
/*
 * What save writes into: a tar, or a directory. Members come one after the other, each with its size
 * said before. The same members give the same tar: no times, no owners. In a directory a member has its
 * name when it is whole.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/archive/out.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

struct pack {
	struct out *out;
	struct tar_writer *tar; /* NULL: a directory */
	int dir;
	bool goes_on; /* pack_continue() */
	struct strv names; /* that are in it */
};

/** pack_begin() - @fd stays the caller's; a descriptor of a directory makes files in it. */
int pack_begin(struct pack *p, int fd);
/**
 * pack_continue() - the directory may have members already: blobs/… that are there count as written
 * Whoever else does the same in this directory waits until pack_done().
 */
int pack_continue(struct pack *p);
/** pack_read() - a member that the directory had before; -ENOENT (no trail). */
int pack_read(const struct pack *p, const char *name, size_t max, struct sbuf *ret);
bool pack_has(const struct pack *p, const char *name);
/** pack_dir() - a directory for the members below it. */
int pack_dir(struct pack *p, const char *name);
/** pack_member() - where exactly @size bytes are to be written; finish and close it before the next. */
int pack_member(struct pack *p, const char *name, uint64_t size, struct out **ret);
int pack_bytes(struct pack *p, const char *name, const void *bytes, size_t n);
/** pack_file() - the first @size bytes of a file. */
int pack_file(struct pack *p, const char *name, int fd, uint64_t size);
int pack_end(struct pack *p);
void pack_done(struct pack *p);
