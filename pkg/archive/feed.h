/* SPDX-License-Identifier: MIT */
/*
 * A stream handed out in pieces without copying, and hashed on the way.
 *
 * With threads, one decodes into a ring of buffers, one hashes them, and the caller uses them: the
 * three costs of unpacking run side by side. Without, all happens in feed_next().
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "pkg/archive/hash.h"
#include "pkg/archive/stream.h"

struct feed;

/** feed_new() - @s is closed with the feed. @threads: start them now (they inherit what the caller is). */
struct feed *feed_new(struct stream *s, bool threads);
/** feed_new_plain() - neither threads nor a hash. */
struct feed *feed_new_plain(struct stream *s);
/** feed_start() - let the threads read; nothing is read before. */
void feed_start(struct feed *f);
/** feed_next() - the next piece, valid until the next call. Bytes, 0 at the end, -code with trail. */
ssize_t feed_next(struct feed *f, const unsigned char **ret);
/** feed_sha256() - of everything, after feed_next() returned 0. */
void feed_sha256(struct feed *f, char hex[65]);
void feed_free(struct feed *f); /* NULL is fine */
void feed_freep(struct feed **f);
