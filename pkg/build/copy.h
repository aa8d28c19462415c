/* SPDX-License-Identifier: MIT */
/*
 * Files from a source into a root file system, by descriptors: links of the source are copied, never
 * followed; places in the destination are looked up as if its root were "/". And the same walk as a
 * digest of what would be copied.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "pkg/base/sha256.h"
#include "pkg/build/ignore.h"
#include "pkg/build/select.h"
#include "pkg/build/stat_cache.h"

struct copy_rules {
	int source; /* root of where files come from */
	const struct ignore *ignore; /* of the context; NULL */
	const struct ignore *exclude; /* of --exclude; NULL */
	struct stat_cache *stats; /* for copy_digest(): spares reading; NULL */
	bool keep_owner; /* else @uid, @gid */
	uid_t uid, gid;
	const char *chmod; /* checked; NULL: modes stay */
	uid_t parent_uid; /* of directories that have to be made */
	gid_t parent_gid;
};

/**
 * copy_selection() - to @dest below @root, as COPY does
 * @dest: absolute, cleaned; a '/' at its end means a directory. What is missing of it is made.
 * @parents: names are paths to be kept below @dest.
 */
int copy_selection(const struct copy_rules *rules, const struct selection *s, int root,
		   const char *dest, bool parents);
/** copy_text() - a file with @text, mode 0644, as a source called @name. */
int copy_text(const struct copy_rules *rules, const char *name, const char *text, int root,
	      const char *dest);
/** copy_digest() - content, types, modes, links and capabilities into @h; owners when they are kept. No times. */
int copy_digest(const struct copy_rules *rules, const struct selection *s, struct sha256 *h);
/** copy_make_dir() - @path below @root with what is missing above; new ones get @uid, @gid and 0755. Returns O_RDONLY. */
int copy_make_dir(int root, const char *path, uid_t uid, gid_t gid);
