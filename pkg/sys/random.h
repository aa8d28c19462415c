/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>

void random_bytes(void *p, size_t n); /* getrandom(2); aborts if the kernel has none */
void random_hex(char *out, unsigned digits); /* @digits lower-case hex digits and a NUL */
#define RANDOM_ID 64
/**
 * random_id() - the same for a container: not all of the first twelve are decimal
 * They are its host name, and one that looks like a number is an address to resolvers: nothing finds it.
 */
void random_id(char out[RANDOM_ID + 1]);
