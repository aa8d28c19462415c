/* SPDX-License-Identifier: MIT */
/*
 * Files of a layer whose content lies somewhere else, in a store that many users share.
 *
 * Overlay calls the place of such content a data-only layer: a directory that shows nothing by itself,
 * and that files of the layers above point into by two attributes. Ordinary users may mount it so since
 * Linux 6.16, if what points there is the lowest of the directories that show (stack.c). Here such a directory is known by a file in it; what is mounted is a list of directories
 * of which those with that file come last.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#define OVERLAY_DATA_MARK ".cuddy-data"

/** overlay_data_is() - is @dir such a place? */
bool overlay_data_is(int dir);
bool overlay_data_is_at(const char *path);
/** overlay_data_point() - the empty file @fd shows as the @size bytes of the file at @place in a data-only layer. */
int overlay_data_point(int fd, const char *place, off_t size);
/** overlay_data_is_elsewhere() - does @fd only point at its content? */
bool overlay_data_is_elsewhere(int fd);
/** overlay_data_copy() - the empty file @to points where @from does. */
int overlay_data_copy(int from, int to);
/**
 * overlay_data_open() - the content that @fd points at, in the place @root, O_RDONLY
 * Return: a descriptor; -ENOENT (no trail) when @fd has its content itself; another code.
 */
int overlay_data_open(int fd, int root);
