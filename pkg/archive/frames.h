/* SPDX-License-Identifier: MIT */
/* zstd frames each for itself, for who wants to read one without what is before it. */
#pragma once
#include "pkg/base/sbuf.h"

struct frames;
struct frames *frames_new(int level); /* 1-22; 0: the default */
void frames_free(struct frames *f); /* NULL is fine */
/** frames_add() - one frame with these bytes at the end of @out; the same each time. */
int frames_add(struct frames *f, const void *p, size_t n, struct sbuf *out);
