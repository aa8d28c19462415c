/* SPDX-License-Identifier: MIT */
/* "Did you mean": the word at the smallest editing distance (Damerau, neighbours only). */
#include <string.h>

#include "pkg/cli/options.h"

#define WORD_MAX 40

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (unsigned i = 0; i <= na; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= nb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		for (size_t j = 1; j <= nb; j++) {
			unsigned cost = a[i - 1] != b[j - 1];

			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
					d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

const char *suggest(const char *typed, const char *const *words, size_t n)
{
	size_t len = strlen(typed), begins = 0;
	unsigned best = WORD_MAX;
	const char *near = NULL, *begun = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned d = distance(typed, words[i]);

		if (len >= 2 && strncmp(words[i], typed, len) == 0) {
			begun = words[i];
			begins++;
		}
		if (d < best) {
			best = d;
			near = words[i];
		}
	}
	if (near && best <= (len + 2) / 4 + (len > 2))
		return near;
	return begins == 1 ? begun : NULL;
}
