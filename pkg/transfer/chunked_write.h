/* SPDX-License-Identifier: MIT */
/* Writing zstd:chunked (chunked.h). */
#pragma once
#include "pkg/archive/out.h"
#include "pkg/archive/stream.h"
#include "pkg/transfer/chunked.h"

/**
 * chunked_encode() - the archive @tar to @out, which is finished but not closed
 * @tar is closed in any case. The same archive gives the same bytes. @level: of zstd, 0: the default.
 * @where: gets the records of chunked_where_put(); NULL: not wanted.
 * Return: 0; -CE_UNSUPPORTED when the format cannot hold it: names that are no UTF-8, or one twice.
 */
int chunked_encode(struct stream *tar, int level, struct out *out, struct sbuf *where,
		   struct chunked *ret);
