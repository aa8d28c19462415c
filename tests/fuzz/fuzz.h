/* SPDX-License-Identifier: MIT */
/*
 * Parsers of foreign bytes, on inputs that a fuzzer finds by what code they reach ("make fuzz"; the unit tests beside
 * the parsers have random inputs for every day). Each program here is one function over the input.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(x)                                                                       \
	do {                                                                          \
		if (!(x)) {                                                           \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			abort();                                                      \
		}                                                                     \
	} while (0)
