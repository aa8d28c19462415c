/* SPDX-License-Identifier: MIT */
/*
 * Patterns as Go's filepath.Match has them ('*' and '?' stop at '/', [a-z] [^a-z], '\' escapes), and
 * with GLOB_DEEP as ignore files have them: "**" goes through any number of directories. Time is
 * bounded by the product of both lengths, whatever the pattern.
 */
#pragma once
#include <stdbool.h>

enum glob_flags { GLOB_DEEP = 1 };

struct glob;

/** glob_new() - usage error when malformed (an open '[', a '\' at the end). */
int glob_new(const char *pattern, unsigned flags, struct glob **ret);
void glob_free(struct glob *g);
void glob_freep(struct glob **g);
bool glob_match(const struct glob *g, const char *path);
/** glob_is_literal() - has @pattern no special character? */
bool glob_is_literal(const char *pattern);
/** glob_unescape() - a literal pattern's text without its escapes; malloc'ed. */
char *glob_unescape(const char *pattern);
