/* SPDX-License-Identifier: MIT */
/* Private to pkg/unit: files on their way into a user's directory of unit files. */
#pragma once
#include <stddef.h>

#include "pkg/base/strv.h"

#define STAGING_DEPTH_LIMIT 16 /* as of those who read them (load.c) */
#define STAGING_FILE_LIMIT (1U << 20)

struct staging {
	int dir; /* where they wait; owned */
	const char *below; /* the directory below it for all of them, or NULL */
	struct strv names; /* below @dir, those of links too */
};

void staging_done(struct staging *s);
/** staging_source() - copy a file, or a directory with all that is in it but what begins with a dot. */
int staging_source(struct staging *s, const char *source);
/** staging_text() - the file @name with that text; of a name that ends in ".quadlets" the files that are in it. */
int staging_text(struct staging *s, const char *shown, const char *name, const char *text,
		 size_t n);
