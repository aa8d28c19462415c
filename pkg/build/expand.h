/* SPDX-License-Identifier: MIT */
/*
 * Words of a Containerfile: quotes, the escape character and $variables, as BuildKit's lexer reads
 * them. Not a shell: no commands, no globs, no splitting but where expand_words() is asked for it.
 *
 * Variables: $name ${name} and the modifiers :- - :+ + :? ? # ## % %% / //, nested. What is not set
 * is empty. Results are limited: a few lines can otherwise ask for any amount of memory.
 */
#pragma once
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

#define EXPAND_BYTES_MAX (1U << 20)

struct expand {
	char escape; /* '\\' or '`' */
	const struct strv *vars; /* "NAME=value", later entries win; NULL: nothing is set */
	bool keep_quotes; /* of a here-document: quotes are characters like any other */
	struct strv *unset; /* NULL, or collects names that are not set and have no default */
};

/** expand_word() - append @s expanded, as one word. Usage error that says what is wrong with it. */
int expand_word(const struct expand *x, const char *s, struct sbuf *out);
/** expand_new() - the same into a new string. */
int expand_new(const struct expand *x, const char *s, char **ret);
/** expand_words() - append the words of @s after expansion; quoted blanks do not split. */
int expand_words(const struct expand *x, const char *s, struct strv *ret);
