/* SPDX-License-Identifier: MIT */
/* Is it an archive? By its first bytes, never by its name. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define ARCHIVE_HEAD 512

bool archive_is(const char *head, size_t n);
