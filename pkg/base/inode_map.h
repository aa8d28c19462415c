/* SPDX-License-Identifier: MIT */
/*
 * Which inodes were seen, and a word about each: finds the further names of a hard-linked file.
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
 * inode_map_at() - the word about this inode; NULL in it means that it is new
 * The caller stores an allocated one, which is then the map's. Valid until the next call.
 */
char **inode_map_at(struct inode_map *m, dev_t dev, ino_t ino);
void inode_map_done(struct inode_map *m);
