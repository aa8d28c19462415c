/* SPDX-License-Identifier: MIT */
/* Overlay mounts of directories given by descriptor. */
#pragma once
#include <stdbool.h>

/**
 * overlay_mount() - mount(2) of an overlay; enters /proc/self/fd
 * @lower: topmost first. @upper and @work: -EBADF for a read-only one, which needs two of @lower.
 * @target: relative to /proc/self/fd. @more: further options, each with a comma before.
 */
int overlay_mount(const int *lower, unsigned n, int upper, int work, const char *target,
		  const char *more);

/**
 * overlay_view() - what these directories show together, for looking at it
 * @dirs: absolute paths, topmost first; an upper directory may be the first of them, also while a
 * container writes to it. In B; the mount is this process's alone and lives as long as the result.
 * @fuse_program: NULL: the kernel's overlay; else fuse-overlayfs, which understands
 * .wh. files in place of overlay's marks, and its own upper directories.
 * Return: a directory descriptor, O_RDONLY.
 */
int overlay_view(const char *const *dirs, unsigned n, const char *fuse_program);
