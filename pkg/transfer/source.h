/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/archive/stream.h"
#include "pkg/transfer/transfer.h"

/**
 * source_new() - a stream of what the caller handed over (a file, a pipe, a terminal's paste)
 * Waiting for a slow pipe ends with -CE_INTERRUPTED when cuddy goes away. @fd stays the caller's.
 */
struct stream *source_new(struct transfer_ctx *ctx, int fd);
