/* SPDX-License-Identifier: MIT */
/*
 * A unit file as systemd.syntax(7) describes it: sections of "Key=Value" lines in their order, keys
 * repeated, lines continued by a backslash. Values are kept as they were written: nothing is
 * unquoted, specifiers stay.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

struct unit_line {
	char *section, *key, *value;
	char *where; /* "/path/x.container:3"; "" for lines that we added */
};

struct unit_file {
	struct unit_line *v;
	size_t n, cap;
	struct strv sections; /* that were named, with lines or without */
};

#define UNIT_FILE_INIT \
	{              \
		0      \
	}
#define AUTO_UNIT_FILE AUTO(unit_file_done)

void unit_file_done(struct unit_file *f);
/**
 * unit_file_parse() - append the lines of @text; @path is for the words of errors
 * -CE_BAD_FORMAT "PATH:LINE: …"; lines before it stay appended.
 */
int unit_file_parse(struct unit_file *f, const char *path, const char *text, size_t n);
void unit_file_add(struct unit_file *f, const char *section, const char *key, const char *value);
void unit_file_addf(struct unit_file *f, const char *section, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** unit_file_last() - the last assignment of a key that is not empty, or NULL: an empty one forgets those before it. */
const struct unit_line *unit_file_last(const struct unit_file *f, const char *section,
				       const char *key);
/** unit_file_next() - the assignment after @at (NULL: the first) of those that no empty one forgot. */
const struct unit_line *unit_file_next(const struct unit_file *f, const char *section,
				       const char *key, const struct unit_line *at);
/** unit_file_bool() - the last assignment as a truth value; @missing when there is none. 1, 0 or -CE_BAD_FORMAT. */
int unit_file_bool(const struct unit_file *f, const char *section, const char *key, bool missing);
bool unit_file_has_section(const struct unit_file *f, const char *section);

/** unit_file_write() - all sections, each once, in the order in which they first appear. */
void unit_file_write(const struct unit_file *f, struct sbuf *out);
