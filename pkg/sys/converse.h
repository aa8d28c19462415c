/* SPDX-License-Identifier: MIT */
/* A program that is given something and answers: one question, all of its answer. */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"

struct converse {
	const char *program; /* absolute */
	char *const *argv;
	const struct sbuf
		*input; /* its standard input; one that does not read it is not an error */
	size_t max; /* of the answer */
	int timeout_ms;
	bool errors; /* its standard error is ours; else nobody's */
};
/** converse() - run to its end, or kill it; appends what it printed. -CE_TIMEOUT, -CE_LIMIT. */
int converse(const struct converse *c, struct sbuf *answer, int *ret_status);
