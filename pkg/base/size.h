/* SPDX-License-Identifier: MIT */
/* Byte counts for people. */
#pragma once
#include <stdint.h>

#define SIZE_TEXT_MAX 24

/** size_format() - three significant digits and a decimal unit: "0 B", "4.53 MB", "1 GB", as podman prints. */
void size_format(uint64_t bytes, char out[SIZE_TEXT_MAX]);

/**
 * size_format_word() - four digits and no blank, "2.131MB": where podman and docker have it so (system df and
 * prune, stats), and scripts count columns.
 */
void size_format_word(uint64_t bytes, char out[SIZE_TEXT_MAX]);
/** size_format_word3() - the same of three digits: the sizes of ps. */
void size_format_word3(uint64_t bytes, char out[SIZE_TEXT_MAX]);
