/* SPDX-License-Identifier: MIT */
/*
 * The part of TOML that container configuration files use: comments, [tables], [[arrays of tables]],
 * bare, quoted and dotted keys; strings (basic and literal, one line), booleans, integers and arrays
 * of strings, among which {append=true} or {append=false} may stand. Anything else is an error with its line, never a guess.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/strv.h"

enum toml_kind { TOML_STRING, TOML_BOOL, TOML_INTEGER, TOML_ARRAY };

struct toml_value {
	enum toml_kind kind;
	const char *string;
	bool boolean;
	int64_t integer;
	const struct strv *array;
	int append; /* of an array: 1 true, 0 false, -1 not said */
};

struct toml_handler {
	/* A [table] or [[table]] begins; @name is dotted ("registry.mirror"). May be NULL. */
	int (*table)(void *data, const char *name, bool array);
	/* @table is "" before the first header. */
	int (*value)(void *data, const char *table, const char *key, const struct toml_value *v);
	void *data;
};

/**
 * toml_parse() - walk @n bytes of @text; stops at the first negative code of a handler
 * @file: for the words of errors ("/etc/containers/registries.conf:3: …"). -CE_BAD_FORMAT.
 */
int toml_parse(const char *file, const char *text, size_t n, const struct toml_handler *h);

/* The value's string or truth, or -CE_BAD_FORMAT naming the key. */
int toml_want_string(const struct toml_value *v, const char *key, const char **ret);
int toml_want_bool(const struct toml_value *v, const char *key, bool *ret);
int toml_want_array(const struct toml_value *v, const char *key, struct strv *ret); /* replaces */
