/* SPDX-License-Identifier: MIT */
/* Numbers of tar headers and pax records. 0, or -EINVAL without trail; outputs untouched on failure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/** tar_field() - octal (blanks or NULs around, nothing else) or base-256, two's complement. */
int tar_field(const unsigned char *p, size_t n, int64_t *ret);
/** tar_decimal() - digits only, at most @max. */
int tar_decimal(const char *p, size_t n, uint64_t max, uint64_t *ret);
/** tar_time() - [-]digits[.digits]; far away times are clamped to what file systems hold. */
int tar_time(const char *p, size_t n, int64_t *ret_s, uint32_t *ret_ns);
int64_t tar_clamp_time(int64_t s);
