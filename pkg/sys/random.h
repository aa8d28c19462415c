/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>

void random_bytes(void *p, size_t n); /* getrandom(2); aborts if the kernel has none */
void random_hex(char *out, unsigned digits); /* @digits lower-case hex digits and a NUL */
