/* SPDX-License-Identifier: MIT */
/*
 * Which inodes were seen, and something about each: finds the further names of a hard-linked file.
 * Zeroed is empty. One thread.
 */
#pragma once
#include <stddef.h>
#include <sys/types.h>

struct inode_map {
	struct inode_slot *v; /* open addressing; a power of two, at most half full */
	size_t n, cap;
};

/**
 * inode_map_at() - what was said of this inode; NULL in it means that it is new
 * The caller stores something there. Valid until the next call.
 */
void **inode_map_at(struct inode_map *m, dev_t dev, ino_t ino);
/** inode_map_done() - @drop: for each that was stored, NULL when the map does not own them. */
void inode_map_done(struct inode_map *m, void (*drop)(void *value));
