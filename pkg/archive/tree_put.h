/* SPDX-License-Identifier: MIT */
/*
 * Entries onto disk, into a directory that may have content already and may be changed meanwhile by
 * somebody hostile (C01, C04): below @top every step is (descriptor, one name) and no link is ever
 * followed; owners, modes and times are set by descriptor, or on one name of a held directory. Files
 * are written aside and renamed, so that an old one stays until the new one is whole.
 */
#pragma once
#include "pkg/archive/tree_tar.h"

/**
 * tree_record_owner() - who owns @e, and its setuid bits, as an attribute of @fd: for those who copy it out
 * Where one id is mapped the file itself cannot have that owner. Nothing on a file system without attributes.
 */
int tree_record_owner(int fd, const struct tar_entry *e);

struct tree_put_options {
	bool overlay; /* .wh.NAME and .wh..wh..opq become whiteouts and opaque directories */
	bool file_marks; /* with overlay: as files of these names (pkg/sys/whiteout.h) */
	bool overwrite; /* a directory may take the place of something else and the reverse */
	bool plain; /* to a host: no setuid or setgid bits, no file capabilities */
	bool single_id; /* one id is mapped: owners are recorded in user.cuddy.owner, as extraction does it */
	bool has_owner; /* all belongs to uid and gid, as this process sees them */
	uint32_t uid, gid;
	const struct tree_ids *uids, *gids; /* else owners, inside → outside; n 0: as they are */
	unsigned n_uids, n_gids;
};

struct tree_put_result {
	uint64_t bytes;
	uint64_t devices; /* left out */
};

struct tree_put;
/** tree_put_new() - @top (O_RDONLY directory) stays the caller's. */
struct tree_put *tree_put_new(int top, const struct tree_put_options *o);
/** tree_put_sink() - for tree_tar_new(): a copy from tree to tree. */
struct tree_sink *tree_put_sink(struct tree_put *p);
/**
 * tree_put_entry() - one entry; what it stands for is there when the next one is told
 * @e->path "" sets the attributes of @top itself. Parents that are missing are made, mode 0755.
 * -CE_UNSAFE names a link or file that stands where a directory is needed.
 */
int tree_put_entry(struct tree_put *p, const struct tar_entry *e);
/** tree_put_content() - some of the content of the TAR_FILE told last. */
int tree_put_content(struct tree_put *p, const void *b, size_t n);
/** tree_put_end() - the last file, and the times of directories. */
int tree_put_end(struct tree_put *p);
const struct tree_put_result *tree_put_result(const struct tree_put *p);
void tree_put_free(struct tree_put *p); /* an unfinished file is removed; NULL is fine */
void tree_put_freep(struct tree_put **p);
