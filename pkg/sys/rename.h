/* SPDX-License-Identifier: MIT */
/* Flags of renameat2(2) for file_rename_as(): not every C library has them. */
#pragma once
#include <stdio.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE (1 << 1)
#endif
