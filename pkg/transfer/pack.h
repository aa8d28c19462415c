/* SPDX-License-Identifier: MIT */
/*
 * What save writes into: a tar, or a directory. Members come one after the other, each with its size
 * said before. The same members give the same tar: no times, no owners.
 *
 * In a directory a member has its name when it is whole, and one is the last (pack_commit()): until it
 * has its name the directory is what it was before, but for members that nothing there speaks of.
 * What fails before that takes its members away again; a kill leaves them to the next writer.
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
	bool committed;
	struct strv names; /* that are in it */
	struct strv made; /* directory: those that were not there before, for when it fails */
};

/* In a directory: what a killed writer may have left. */
#define PACK_UNFINISHED ".cuddy-unfinished"

/**
 * pack_begin() - @fd stays the caller's; a descriptor of a directory makes files in it
 * A directory may have members already; who else writes into it waits until @fd is closed (flock).
 */
int pack_begin(struct pack *p, int fd);
/** pack_read() - a member that the directory had before; -ENOENT (no trail). */
int pack_read(const struct pack *p, const char *name, size_t max, struct sbuf *ret);
/**
 * pack_has() - is it written already? In a directory also when it was there with that size before: for
 * members that are named by the digest of what is in them.
 */
bool pack_has(struct pack *p, const char *name, uint64_t size);
/** pack_dir() - a directory for the members below it. */
int pack_dir(struct pack *p, const char *name);
/** pack_member() - where exactly @size bytes are to be written; finish and close it before the next. */
int pack_member(struct pack *p, const char *name, uint64_t size, struct out **ret);
int pack_bytes(struct pack *p, const char *name, const void *bytes, size_t n);
/** pack_keep() - as pack_bytes(), but what a directory has of that name stays. */
int pack_keep(struct pack *p, const char *name, const void *bytes, size_t n);
/** pack_commit() - the last member, which speaks of all others; these are on the disk before it is. */
int pack_commit(struct pack *p, const char *name, const void *bytes, size_t n);
/**
 * pack_forget_others() - after pack_commit(): of a directory's members, those that @is_ours says may go
 * and that are not written now. The others are somebody else's.
 */
void pack_forget_others(struct pack *p, bool (*is_ours)(const char *name));
/** pack_file() - the first @size bytes of a file. */
int pack_file(struct pack *p, const char *name, int fd, uint64_t size);
int pack_end(struct pack *p);
void pack_done(struct pack *p);
