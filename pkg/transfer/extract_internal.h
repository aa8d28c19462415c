/* SPDX-License-Identifier: MIT */
#pragma once
#include <sys/stat.h>

#include "pkg/sys/whiteout.h"
#include "pkg/transfer/extract.h"

/* extract_path.c: where things go */
int extract_walk(struct extract *x, const char *path, bool make, uint32_t *ret);
int extract_make_dir(struct extract *x, uint32_t parent, const char *name, mode_t mode,
		     uint32_t *ret);
int extract_clear(struct extract *x, uint32_t parent, const char *name, bool *ret_whiteout);
int extract_set_opaque(struct extract *x, uint32_t node);
int extract_count(struct extract *x);
/** extract_place() - append where an entry lies: no link is on the way. */
void extract_place(const struct extract *x, uint32_t parent, const char *name, struct sbuf *ret);
void extract_note(struct extract *x, const char *path, const char *what);

/* extract_meta.c: what things are */
int extract_meta_fd(struct extract *x, int fd, const struct tar_entry *e,
		    const struct dir_node *parent);
int extract_meta_dir(struct extract *x, uint32_t node, const struct tar_entry *e, bool fresh);
int extract_meta_at(struct extract *x, int dir, const char *name, const struct tar_entry *e,
		    const struct dir_node *parent);
