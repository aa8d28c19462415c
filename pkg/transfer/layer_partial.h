/* SPDX-License-Identifier: MIT */
/*
 * A layer in zstd:chunked of which only the part is fetched that no layer here has (S15): its table of
 * contents, then the ranges that are missing, then a child makes the archive (assemble.h), which goes
 * the ordinary way through an unpacker and its diffID. Whatever fails, a pull of the whole blob is
 * tried; so nothing here is ever the reason why an image cannot be had.
 */
#pragma once
#include "pkg/transfer/layers.h"

struct partial;

/** partial_new() - begin, when the layer is such a one; NULL else, and where it would not be worth it. */
struct partial *partial_new(const struct layers_request *q, const struct descriptor *blob);
void partial_free(struct partial *p); /* NULL is fine */
/** partial_step() - 0: it goes on; 1: all is there, partial_assemble() may be called; or a code. */
int partial_step(struct partial *p);
/** partial_wait() - a descriptor that becomes readable when there is something to do, or -1: http does. */
int partial_wait(const struct partial *p);
/** partial_input() - where an unpacker reads the archive from; stays ours. */
int partial_input(const struct partial *p);
int partial_assemble(struct partial *p);
/** partial_stop() - give up; what was learned of the content remains for partial_digests(). */
void partial_stop(struct partial *p);
uint64_t partial_bytes(const struct partial *p); /* that were fetched */
/** partial_digests() - a file for layer_stage_digests(), or a negative number; stays ours. */
int partial_digests(const struct partial *p);
