/* SPDX-License-Identifier: MIT */
/*
 * One end of a copy: a path inside a root that somebody else may be changing. Links are followed
 * inside of the root, also the last one; what comes of it is a held directory and one name in it,
 * which is not looked up as a path again (threats C01).
 */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>

struct place {
	int dir; /* O_RDONLY where it is itself what was meant, else O_PATH */
	char *name; /* "." : dir itself */
	bool exists;
	struct stat st; /* when it exists; a link only of place_find_link() */
	bool is_dir;
};
#define PLACE_INIT            \
	{                     \
		.dir = -EBADF \
	}

/**
 * place_find() - @path is absolute or taken as such; its parent must exist
 * A dangling link leads to where its target would be.
 */
int place_find(int root, const char *path, struct place *ret);
/** place_find_link() - the same, but a link at the end of @path is what is meant, unless a slash follows. */
int place_find_link(int root, const char *path, struct place *ret);
void place_done(struct place *p);
