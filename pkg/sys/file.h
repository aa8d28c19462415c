/* SPDX-License-Identifier: MIT */
/* Small files: bounded reads of untrusted ones, crash-safe replacement of our own. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

#include "pkg/base/sbuf.h"

/**
 * file_read_in() - read a regular file below @root, at most @max bytes
 * Opened with O_NONBLOCK and the rules of open_in(); a FIFO, device or larger file is an error
 * (-CE_BAD_FORMAT, -CE_LIMIT), never a hang. Appends to @out.
 */
int file_read_in(int root, const char *path, size_t max, struct sbuf *out);

/** file_read_at() - the same for our own tree: openat(dir, name), no special link rules. */
int file_read_at(int dir, const char *name, size_t max, struct sbuf *out);

/**
 * file_read_own() - of a small file that only we write: no look at what it is, and its end is where
 * a read gives less than it could; two system calls less for each of thousands of records
 */
int file_read_own(int dir, const char *name, size_t max, struct sbuf *out);

/** file_read_fd() - as file_read_at() on an open descriptor, from its offset. */
int file_read_fd(int fd, size_t max, struct sbuf *out);

/** file_read_stream() - of anything, a pipe too; waits for its end. */
int file_read_stream(int fd, size_t max, struct sbuf *out);

/**
 * file_rename_new() - rename(2) to a name that must be free: -EEXIST; any -errno without a trail
 * NFS and many FUSE file systems know no flags of renameat2(2): there a name is looked for first, and of two who are
 * that fast the later one replaces a file or an empty directory.
 */
int file_rename_new(int from, const char *old, int to, const char *name);
/**
 * file_swap() - in @dir, @name becomes what @aside is, and what was there, if anything, is @aside; -errno without a trail
 * One step, where the file system can; elsewhere nothing is called @name for a moment.
 */
int file_swap(int dir, const char *aside, const char *name);

/** file_make_dirs() - mkdir(2) of @path and of what is missing above it, all with @mode less the umask. */
int file_make_dirs(const char *path, mode_t mode);

/**
 * file_memory() - a file without a name that holds @n bytes, at its beginning: what a program is to read
 * Unlike a pipe it takes all of them at once, and a program that does not read them costs its giver no SIGPIPE.
 */
int file_memory(const char *name, const void *p, size_t n);

enum file_sync {
	FILE_NO_SYNC, /* runtime state: gone after a reboot anyway */
	FILE_SYNC, /* fsync the file, rename, fsync the directory */
};

/**
 * file_replace() - write @n bytes to @name in @dir so that a crash leaves the old or the new
 * content: a temporary sibling ("." prefix, O_EXCL), optional fsync, rename.
 */
int file_replace(int dir, const char *name, const void *p, size_t n, mode_t mode,
		 enum file_sync sync);

/** file_write_new() - straight to @name, which must not exist: for directories nobody looks into yet. */
int file_write_new(int dir, const char *name, const void *p, size_t n, mode_t mode,
		   enum file_sync sync);

/** file_create() - as file_replace(), but -EEXIST (no trail) when @name is already there (atomic link). */
int file_create(int dir, const char *name, const void *p, size_t n, mode_t mode,
		enum file_sync sync);
