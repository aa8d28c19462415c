/* SPDX-License-Identifier: MIT */
/* The child's half of unpack.h. */
#pragma once
#include "pkg/base/sbuf.h"
#include "pkg/transfer/unpack.h"

#define UNPACK_REPLY_MAX (256U << 20)

/** unpack_worker() - in the forked child: work, report on @result, exit. */
_Noreturn void unpack_worker(int input, int result, const struct layer_stage *stage,
			     enum layer_compression c, const struct unpack_limits *l);
/** unpack_reply_get() - what a worker reported; its error becomes ours. */
int unpack_reply_get(const struct sbuf *reply, struct unpack_result *ret);
