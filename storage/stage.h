/* SPDX-License-Identifier: MIT */
/*
 * How everything with more than one file gets into the store: built below staging/ by a maker who
 * holds a lock there, synced, then renamed into place in one step. Private to storage/.
 *
 * A maker that dies leaves staging/<name> and an unheld staging/<name>.lock; the next
 * store_empty_trash() removes both. Who commits while somebody else got there first learns -EEXIST.
 */
#pragma once
#include "storage/store.h"

struct stage {
	char *name; /* below staging/ */
	int fd; /* the directory, O_RDONLY */
	int lock_fd;
};
#define STAGE_INIT                              \
	{                                       \
		.fd = -EBADF, .lock_fd = -EBADF \
	}

int stage_begin(struct store *st, struct stage *ret);
/**
 * stage_begin_container() - of the container @id; @lock_fd, its own lock, is the maker's too and taken
 * from the caller: it is held until the stage is done.
 */
int stage_begin_container(struct store *st, const char *id, int *lock_fd, struct stage *ret);
/**
 * stage_commit() - rename to @name of @d; -EEXIST (no trail) when that exists. On success the stage is done.
 * @durable: fsync the stage's directory before and @d after; the files themselves are the caller's.
 */
int stage_commit(struct store *st, struct stage *s, enum store_dir d, const char *name,
		 bool durable);
/** stage_abort() - remove what was made. Safe on a zeroed, initialised or committed one. */
void stage_abort(struct store *st, struct stage *s);
void stage_release(struct store *st,
		   struct stage *s); /* forget the stage and its lock; the directory moved */
/** stage_sweep() - remove stages of dead makers. @dry: only tell whether there are any (1). */
int stage_sweep(struct store *st, bool dry);

/** crash_point() - where tests kill this process (CUDDY_CRASH_AT=<name>) or hold it (stop:<name>); nothing otherwise. */
void crash_point(const char *name);
