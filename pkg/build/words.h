/* SPDX-License-Identifier: MIT */
/* Cutting an instruction's arguments. Nothing is expanded. */
#pragma once
#include <stdbool.h>

#include "pkg/base/strv.h"

/** words_blank() - split at blanks, quotes mean nothing. */
void words_blank(const char *s, struct strv *ret);
/** words_quoted() - split at blanks outside quotes; quotes and escapes stay in the words. */
void words_quoted(const char *s, char escape, struct strv *ret);
/**
 * words_flags() - leading "--name[=value]" words into @ret without the dashes, quotes taken away
 * "--" ends them. Return: where the rest begins.
 */
const char *words_flags(const char *s, char escape, struct strv *ret);
/**
 * words_json() - a JSON array of strings
 * Return: 1; 0 when it is not a JSON array (the shell form then); usage error for an array of other things.
 */
int words_json(const char *s, struct strv *ret);
/** words_unquote() - a here-document's delimiter without quotes and escapes; @ret_quoted: it had some. malloc'ed. */
char *words_unquote(const char *s, char escape, bool *ret_quoted);
