/* SPDX-License-Identifier: MIT */
/* Records: structs that are kept as JSON objects. One table a struct says what is where, for reading and writing. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"
#include "pkg/json/json.h"

enum json_field_kind {
	JSON_TEXT, /* char *, malloc'ed; NULL is null */
	JSON_HEX64, /* char[65]: 64 hexadecimal digits */
	JSON_I64,
	JSON_U64,
	JSON_BOOL,
	JSON_LIST, /* struct strv */
	JSON_MAP, /* struct strv of "k=v", an object of strings */
	JSON_ANY, /* struct json_object *, an object; a reference of one's own */
};

enum json_field_flags {
	JSON_REQUIRED = 1, /* missing or null: -CE_CORRUPT */
	JSON_SPARSE = 2, /* not written when empty, zero or false */
};

struct json_field {
	const char *key;
	enum json_field_kind kind;
	unsigned flags;
	size_t at;
};

/* A row whose member is of another type does not compile. */
#define JSON_FIELD_AT(T, f, want) (offsetof(T, f) + 0 * sizeof(_Generic(&((T *)0)->f, want : 1)))
#define FIELD_TEXT(T, key, f, flags)                                \
	{                                                           \
		key, JSON_TEXT, flags, JSON_FIELD_AT(T, f, char **) \
	}
#define FIELD_HEX64(T, key, f, flags)                                    \
	{                                                                \
		key, JSON_HEX64, flags, JSON_FIELD_AT(T, f, char(*)[65]) \
	}
#define FIELD_I64(T, key, f, flags)                                  \
	{                                                            \
		key, JSON_I64, flags, JSON_FIELD_AT(T, f, int64_t *) \
	}
#define FIELD_U64(T, key, f, flags)                                   \
	{                                                             \
		key, JSON_U64, flags, JSON_FIELD_AT(T, f, uint64_t *) \
	}
#define FIELD_BOOL(T, key, f, flags)                               \
	{                                                          \
		key, JSON_BOOL, flags, JSON_FIELD_AT(T, f, bool *) \
	}
#define FIELD_LIST(T, key, f, flags)                                      \
	{                                                                 \
		key, JSON_LIST, flags, JSON_FIELD_AT(T, f, struct strv *) \
	}
#define FIELD_MAP(T, key, f, flags)                                      \
	{                                                                \
		key, JSON_MAP, flags, JSON_FIELD_AT(T, f, struct strv *) \
	}
#define FIELD_ANY(T, key, f, flags)                                              \
	{                                                                        \
		key, JSON_ANY, flags, JSON_FIELD_AT(T, f, struct json_object **) \
	}
#define FIELD_END                     \
	{                             \
		NULL, JSON_TEXT, 0, 0 \
	}

/**
 * json_record_read() - @text into the struct at @record, members of which are empty or have their default
 * What is missing stays as it is. On failure what was read stays, too, for the caller to free. @what: in
 * messages: "a secret".
 */
int json_record_read(const char *text, size_t n, const struct json_field *fields, const char *what,
		     void *record);
/** json_record_write() - the object, on one line, added to @out; keys in the order of @fields. */
void json_record_write(const struct json_field *fields, const void *record, struct sbuf *out);
/** json_record_object() - the same as an object of the caller's. */
struct json_object *json_record_object(const struct json_field *fields, const void *record);
/** json_record_done() - free what its members hold; the struct is zeroed member by member. */
void json_record_done(const struct json_field *fields, void *record);
