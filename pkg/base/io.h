/* SPDX-License-Identifier: MIT */
/* Whole reads and writes on blocking descriptors. Return 0 or -errno; no trail, no allocation. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

int write_full(int fd, const void *p, size_t n);
/** read_full() - read exactly @n bytes; -ENODATA when the end comes first. */
int read_full(int fd, void *p, size_t n);
/** copy_stream() - all that @from still has, to @to; -errno. */
int copy_stream(int from, int to);
/** read_upto() - read until @n bytes or the end; returns the count. */
ssize_t read_upto(int fd, void *p, size_t n);
