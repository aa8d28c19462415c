/* SPDX-License-Identifier: MIT */
/* Byte counts for people. */
#pragma once
#include <stdint.h>

#define SIZE_TEXT_MAX 24

/** size_format() - three significant digits and a decimal unit: "0 B", "4.53 MB", "1 GB", as podman prints. */
void size_format(uint64_t bytes, char out[SIZE_TEXT_MAX]);
