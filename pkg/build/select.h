/* SPDX-License-Identifier: MIT */
/*
 * Which files a COPY, ADD or bind mount means. Everything is looked up as if the source were a root
 * file system of its own: links and ".." end there (threats B09, C1).
 */
#pragma once
#include <stdbool.h>

#include "pkg/base/strv.h"
#include "pkg/build/ignore.h"

struct match {
	char *path; /* where it is, without links, relative to the source's root; "" is the root */
	char *name; /* what it is called at the destination; with --parents the path below it */
	bool directory;
	bool was_link; /* what was named is a link to it */
};

struct selection {
	struct match *v;
	size_t n;
};

/**
 * select_files() - @patterns below @root
 * @ignore: NULL, or the context's rules. @parents: names keep their path, "**" is allowed.
 * A name that is not there is an error; a pattern that matches nothing goes to @ret_empty.
 */
int select_files(int root, const struct strv *patterns, const struct ignore *ignore, bool parents,
		 struct selection *ret, struct strv *ret_empty);
void selection_done(struct selection *s);
