/* SPDX-License-Identifier: MIT */
/* Paths as text. Nothing here touches the file system. Results are malloc'ed, never NULL. */
#pragma once
#include <stdbool.h>

char *path_join(const char *a, const char *b); /* one slash between */
char *path_join3(const char *a, const char *b, const char *c);
/**
 * path_clean() - lexical: drops ".", "//" and trailing "/", resolves ".."; "/.." is "/".
 * An absolute path stays absolute; "" becomes ".".
 */
char *path_clean(const char *p);
/** path_absolute() - path_clean() of @p, prefixed with the working directory when relative. */
char *path_absolute(const char *p);
const char *path_base(const char *p); /* after the last slash; points into @p */
bool path_is_within(const char *path, const char *dir); /* both cleaned; equal counts */
/** has_ending() - @s is something and then @end: "a.conf" has the ending ".conf", ".conf" has not. */
bool has_ending(const char *s, const char *end);
/** name_is_valid() - [A-Za-z0-9][A-Za-z0-9_.-]{0,127}: container, volume, network names (D6). */
bool name_is_valid(const char *s);
/** hex_is_valid() - 1..@max lower-case hex digits. */
bool hex_is_valid(const char *s, unsigned max);
/** hex_is_exactly() - @n lower-case hex digits, as ids and digests have 64. */
bool hex_is_exactly(const char *s, unsigned n);
