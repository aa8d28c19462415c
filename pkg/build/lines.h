/* SPDX-License-Identifier: MIT */
/* From bytes to logical lines: directives, comments, continuation. */
#pragma once
#include <stdbool.h>

#include "pkg/base/sbuf.h"

struct line_reader {
	const char *p, *end;
	unsigned line; /* number of the physical line last read */
	char escape;
	const char *
		comment; /* raw lines of the one right above the logical line last read; NULL: none */
	size_t comment_n;
	char *check; /* value of the directive; malloc'ed, the caller's */
	unsigned
		empty_continuation; /* line of the first empty line inside a continuation; 0: none */
};

/** lines_begin() - skip a byte order mark, read the parser directives. Usage error: a directive twice, a bad escape; it is in r->line. */
int lines_begin(struct line_reader *r, const char *text, size_t n);
/**
 * lines_next() - the next logical line, without comments, joined, right blanks off
 * @ret_first: its first physical line. Return: 1; 0 at the end.
 */
int lines_next(struct line_reader *r, struct sbuf *ret, unsigned *ret_first);
/** lines_raw() - the next physical line as it is, without its end: of a here-document. Return: false at the end. */
bool lines_raw(struct line_reader *r, const char **ret, size_t *ret_n);
