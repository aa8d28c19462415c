/* SPDX-License-Identifier: MIT */
/* Option tables as text: the words that --help and the manual share. */
#pragma once
#include <stdio.h>

#include "pkg/base/sbuf.h"
#include "pkg/cli/options.h"

struct optdoc_row {
	const struct opt *opt;
	size_t base;
};

/** optdoc_rows() - the rows to show, sorted by long name. Return: how many (at most @max). */
size_t optdoc_rows(const struct opt *table, struct optdoc_row *out, size_t max);
/** optdoc_default() - append what the field holds in @defaults ("10", "30s"); nothing when unset. */
void optdoc_default(const struct optdoc_row *r, const void *defaults, struct sbuf *out);
/** optdoc_print() - the "Options:" block of --help. @defaults may be NULL. */
void optdoc_print(FILE *out, const struct opt *table, const void *defaults);
#define OPTDOC_ROWS_MAX 256
