/* SPDX-License-Identifier: MIT */
/*
 * A layer's entries onto disk: OCI image-spec layer.md, written as overlay wants it.
 *
 * Nothing here trusts the archive, and nothing relies on the sandbox around it: parents are walked
 * one component at a time on held descriptors (links stay inside), the last component is always
 * made new (D1), owners, modes and times are set by descriptor or on one component of a held one.
 */
#pragma once
#include "pkg/archive/recipe.h"
#include "pkg/archive/tar.h"
#include "pkg/base/strv.h"
#include "pkg/transfer/dirtree.h"

struct extract_options {
	uint64_t max_entries; /* made directories included; 0: 2,000,000 */
	bool file_marks; /* whiteouts as files: see pkg/sys/whiteout.h */
	bool single_id; /* owners become 0 and are kept in user.cuddy.owner; no setuid bits */
};

struct extract {
	struct extract_options o;
	struct dirtree dirs;
	struct tar *tar;
	struct recipe_writer *recipe; /* told where content goes; NULL: nobody */
	uint64_t entries, made, tree_bytes, since_check;
	struct strv links; /* path, target, path, target …: targets that this layer does not have */
	size_t link_bytes;
	struct strv
		marks; /* with file_marks: paths that are deleted unless the layer has them itself */
	size_t mark_bytes;
	struct strv notes; /* what was left out, for people */
	struct sbuf last_parent, rest;
	uint32_t last_node;
	bool has_last;
};

/** extract_init() - the process has umask 0: the kernel is to make files with the modes they have. */
void extract_init(struct extract *x, int root_fd, const struct extract_options *o);
void extract_done(struct extract *x);
/** extract_all() - every entry of @t, then the directories' times; reads to the end of the feed. */
int extract_all(struct extract *x, struct tar *t);
/** extract_implied() - directories that the archive did not list, "." for the root (S5). */
void extract_implied(const struct extract *x, struct strv *ret);
