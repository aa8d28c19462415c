/* SPDX-License-Identifier: MIT */
/*
 * The records that the last long list has read, in one file of the runtime directory: the next list
 * looks at each container's directory once instead of opening, reading and closing its record.
 * The records are the truth. What is kept counts while the directory is the same inode with the same times to the
 * nanosecond: a record is replaced by rename, and what tells that a container was started is made, in that directory.
 * What changed in the last seconds is not kept, so that no change shares its time with what was read.
 */
#pragma once
#include <stdint.h>

#include "pkg/base/sbuf.h"
#include "storage/store.h"

#define LISTED_LEAST 64 /* fewer containers are read one by one */

struct listed {
	struct store *st;
	int dir; /* of all containers; not owned */
	struct sbuf have, next; /* the file, and what it becomes */
	size_t at; /* in have */
	int64_t before_ns; /* what is younger is not kept */
	unsigned fresh; /* kept for the first time */
	struct sbuf one; /* a record that was read */
};

struct listed_record {
	const char *text; /* until the next one is read */
	size_t n;
	bool unstarted; /* it was never started; false: perhaps */
};

/** listed_begin() - for a list of @n containers. No error: without the file all is read. */
void listed_begin(struct store *st, size_t n, struct listed *ret);
/** listed_read() - ids in byte order. As container_store_read(). */
int listed_read(struct listed *l, const char *id, struct listed_record *ret);
/** listed_end() - keep it for the next list, when that gains something. */
void listed_end(struct listed *l);
/** listed_forget() - the containers are gone: so is what was kept of them. */
void listed_forget(struct store *st);
