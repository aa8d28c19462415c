/* SPDX-License-Identifier: MIT */
/* The format of shared stores, between shared.c, shared_layer.c and shared_publish.c. */
#pragma once
#include "pkg/archive/tar.h"
#include "pkg/base/wire.h"
#include "storage/shared.h"

#define SHARED_VERSION "cuddy-shared 1\n"
#define SHARED_LINK "shared"
#define META "meta"
#define META_MAX (512UL << 20)
#define META_MAGIC "cuddy-meta 1"
#define PLACE "place"
#define PLACE_MAX 64

/* One entry of meta; strings point into the message. */
struct meta_entry {
	struct tar_entry e;
	uint64_t file; /* number in the layer's part of data/; 0: none */
};

void meta_put(struct sbuf *b, const struct tar_entry *e, uint64_t file);
/** meta_get() - paths cleaned, all numbers bounded; @xattrs: TAR_XATTRS_MAX of them. 1, 0 at the end, -CE_CORRUPT. */
int meta_get(struct wire_reader *w, struct meta_entry *ret, struct tar_xattr *xattrs);
