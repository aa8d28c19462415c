/* SPDX-License-Identifier: MIT */
/*
 * The archive of a zstd:chunked layer made of what is here and what is missing of the blob.
 *
 * A child without network, exec or any file system but the layers, read-only, reads the layer's two
 * documents, which are a stranger's; finds which content other layers have, looks whether it is still
 * that, and says which ranges of the blob are missing. When these are in a file it writes the archive.
 * Nobody believes that: the unpacker's diffID decides.
 */
#pragma once
#include <sys/types.h>

#include "pkg/transfer/chunked_table.h"

#define ASSEMBLE_RANGES_MAX 64

struct assembly {
	const struct chunked *chunked;
	const void *table, *split; /* as in the blob */
	uint64_t blob_bytes;
	int layers; /* directory with all layers */
	int parts; /* file that gets the missing ranges, at their offsets in the blob */
	int where; /* file that gets the layer's own records (chunked.h); negative: none */
	int out; /* gets the archive; the child has its own of it */
};

struct assembler {
	pid_t pid;
	int plan, go; /* readable when it knows what is missing; written to when that is there */
};

int assemble_start(const struct assembly *a, struct assembler *ret);
/**
 * assemble_plan() - what it said on @a->plan: ranges to fetch, malloc'ed, in order
 * -CE_UNSUPPORTED and the like when it cannot be done so. 1: so little is here that all may be fetched.
 */
int assemble_plan(struct assembler *a, struct chunked_range **ret, unsigned *ret_n);
/** assemble_go() - the ranges are in the file. */
int assemble_go(struct assembler *a);
/** assemble_end() - kill and reap; safe on a zeroed one. */
void assemble_end(struct assembler *a);
