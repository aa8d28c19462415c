/* SPDX-License-Identifier: MIT */
/* Configuration files: what stands in one is done with the user's rights, so nobody else may write it. */
#pragma once
#include <stddef.h>

#include "pkg/base/sbuf.h"

/**
 * conf_file_read() - read a configuration file of at most @max bytes; appends to @out
 * Links are followed: what counts is where they end. -ENOENT or -ENOTDIR where there is none; -CE_UNSAFE where others
 * than root and we could have written it (threats.md H11); else as file_read_at(). The trail names @path.
 */
int conf_file_read(const char *path, size_t max, struct sbuf *out);
