/* SPDX-License-Identifier: MIT */
/*
 * How to make a tar again, byte for byte, from the tree it was unpacked into: everything that is not
 * content of a file (headers, padding, what follows the end) as it came, and for content the file
 * that holds it. Some 60 bytes a file, compressed. A diffID can so be had again although the
 * archive was not kept.
 *
 * Content that the tree has no more, since a later entry replaced the file, lies in the recipe itself.
 * What cannot be made again even so has no recipe; who uses one compares the digest of what it makes,
 * since the tree may have changed.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/archive/out.h"

struct recipe_writer;
/** recipe_writer_new() - to @fd, which stays the caller's. All memory it needs is allocated here. */
struct recipe_writer *recipe_writer_new(int fd);
void recipe_writer_free(struct recipe_writer *w); /* NULL is fine */
/* Errors are kept for recipe_end(): an archive without a recipe is still a layer. NULL does nothing. */
void recipe_raw(struct recipe_writer *w, const void *p, size_t n);
/** recipe_file() - here come @size bytes, all of the file at @path (relative, no links on the way). */
void recipe_file(struct recipe_writer *w, const char *path, uint64_t size);
/**
 * recipe_lost() - the file at @path is about to be replaced: keep what recipe_file() spoke of
 * @fd: the file, at its beginning. A file that was never spoken of does no harm, but costs room; all of
 * it together has less than the files have, and 128 MiB, else there is no recipe.
 */
void recipe_lost(struct recipe_writer *w, const char *path, int fd, uint64_t size);
/** recipe_void() - this archive cannot be made again. */
void recipe_void(struct recipe_writer *w);
/** recipe_tar_bytes() - how long the archive is as far as it was told. */
uint64_t recipe_tar_bytes(const struct recipe_writer *w);
/** recipe_end() - true when the recipe is whole. */
bool recipe_end(struct recipe_writer *w);

/**
 * recipe_make() - the archive to @out (not finished); @fd, a file, is read from its offset on
 * @data: where the content is of files that say it is elsewhere (pkg/sys/overlay_data.h); -EBADF: nowhere.
 */
int recipe_make(int fd, int tree, int data, struct out *out);
