/* SPDX-License-Identifier: MIT */
/*
 * The file "version" in a store's root: what makes the directory one.
 *
 *	cuddy-store 1           format
 *	driver overlay          how containers' roots are made; a store without this line has overlay
 *	marks files             whiteouts and opaque marks are .wh. files; without: overlay's own
 *
 * or, where the usual place cannot hold a store,
 *
 *	cuddy-store moved
 *	/var/tmp/cuddy-1000
 */
#pragma once
#include "storage/driver.h"

#define MARKER "version"

struct marker {
	char *moved_to; /* malloc'ed; NULL: the store is here */
	enum store_driver driver;
	bool file_marks;
};

/** marker_read() - 1 it is there, 0 there is none. @path for words. */
int marker_read(int root, const char *path, struct marker *ret);
/** marker_write() - once and for all; somebody else's that came first is as good. */
int marker_write(int root, const struct marker *m);
