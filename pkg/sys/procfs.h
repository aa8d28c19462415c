/* SPDX-License-Identifier: MIT */
/*
 * Writes to procfs that nobody can divert (threats D3): below a descriptor of a procfs root, without
 * following links or crossing into another mount, and the file found must be procfs's own.
 */
#pragma once
#include <sys/types.h>

/** procfs_open_host() - O_PATH of /proc as this mount namespace has it, proved to be a procfs root. */
int procfs_open_host(void);
/** procfs_write() - write @text to @path ("sys/net/…", "1/oom_score_adj") in one write(). -ENOENT etc. with a trail. */
int procfs_write(int proc, const char *path, const char *text);
/** procfs_read() - read a small file; NUL-terminates. Bytes, or a code. */
ssize_t procfs_read(int proc, const char *path, char *buf, size_t size);
/** procfs_self() - our own pid as @proc sees it. */
int procfs_self(int proc, pid_t *ret);
