/* SPDX-License-Identifier: MIT */
/* The records of one pax extended header, as overrides of the header that follows. */
#pragma once
#include "pkg/archive/tar.h"
#include "pkg/base/sbuf.h"

enum {
	PAX_PATH = 1 << 0,
	PAX_LINK = 1 << 1,
	PAX_SIZE = 1 << 2,
	PAX_UID = 1 << 3,
	PAX_GID = 1 << 4,
	PAX_MTIME = 1 << 5,
};

struct pax {
	unsigned has; /* PAX_… */
	struct sbuf path, link;
	uint64_t size, uid, gid;
	int64_t mtime_s;
	uint32_t mtime_ns;
	struct tar_xattr xattrs[TAR_XATTRS_MAX];
	unsigned n_xattrs;
};

#define PAX_INIT                                     \
	{                                            \
		.path = SBUF_INIT, .link = SBUF_INIT \
	}
/** pax_reset() - forget all; memory of the strings is kept. */
void pax_reset(struct pax *x);
void pax_done(struct pax *x);
/** pax_parse() - all records of one header; resets first. -CE_BAD_FORMAT, -CE_LIMIT, -CE_UNSUPPORTED. */
int pax_parse(struct pax *x, const char *p, size_t n);
