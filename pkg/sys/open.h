/* SPDX-License-Identifier: MIT */
/*
 * Opening paths that somebody else shaped: images, root file systems, volumes, build contexts.
 * Always by (dirfd, relative path) and openat2(2); every descriptor is O_CLOEXEC.
 * All return a descriptor or a negative code with a trail.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/**
 * open_in() - open @path as if @root were "/": absolute links and ".." stay inside
 * (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). Retried on EAGAIN for half a second, then fails.
 * @flags: O_CREAT and O_EXCL allowed (@mode then counts); O_CLOEXEC is added.
 */
int open_in(int root, const char *path, int flags, mode_t mode);

/** open_beneath() - as open_in, but a path or link that would leave @dir is -EXDEV. */
int open_beneath(int dir, const char *path, int flags, mode_t mode);

/** open_nofollow() - one component, never a link (the last one is not followed either). */
int open_nofollow(int dir, const char *name, int flags, mode_t mode);

/**
 * mkdir_in() - make @path and what is missing above it below @root, with @mode, and open it O_PATH.
 * Existing links are followed inside @root. Only directories made here get @mode (no umask).
 */
int mkdir_in(int root, const char *path, mode_t mode);

/**
 * parent_in() - open (O_PATH) the directory that holds the last component of @path inside @root,
 * making missing ones when @mkdir_mode != 0.
 * @ret_name: points into @path at the last component ("" when @path is the root itself).
 * A trailing slash is not part of the name: pass cleaned paths.
 */
int parent_in(int root, const char *path, mode_t mkdir_mode, const char **ret_name);

/** fd_path() - "/proc/self/fd/N" for calls that insist on a path. @buf: 32 bytes. Returns @buf. */
char *fd_path(int fd, char buf[32]);

/** fd_close_from() - mark CLOEXEC (close_now 0) or close (1) every descriptor from @first on. */
int fd_close_from(unsigned first, int close_now);

/** fd_cloexec_but() - mark CLOEXEC every descriptor from @first on, those of @keep (ascending, @first or higher) excepted. */
int fd_cloexec_but(unsigned first, const uint32_t *keep, unsigned n);

/** fd_dup() - F_DUPFD_CLOEXEC to 3 or higher; -errno. */
int fd_dup(int fd);
