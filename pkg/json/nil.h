/* SPDX-License-Identifier: MIT */
/*
 * Values that are not set, of a kind that templates know: Go's nil slices, maps and pointers. As JSON each
 * is null; as text "[]", "map[]" and "<nil>"; the fields of a nil map or pointer to a struct are empty, too.
 * One that is absent is a pointer to templates, and objects as JSON do not have it (Go's omitempty).
 */
#pragma once
#include <json-c/json.h>
#include <stdbool.h>

enum json_nil { JSON_NIL_NONE, JSON_NIL_LIST, JSON_NIL_MAP, JSON_NIL_POINTER, JSON_NIL_ABSENT };

/** json_nil() - an empty array or object that says it is nil. */
struct json_object *json_nil(enum json_nil kind);
/** json_nil_kind() - JSON_NIL_NONE for all other values. */
enum json_nil json_nil_kind(struct json_object *o);

/** json_omitted() - @v itself, which templates have as it is, and objects as JSON do not (omitempty; another name). */
struct json_object *json_omitted(struct json_object *v);
/** json_is_omitted() - is it one, or absent? */
bool json_is_omitted(struct json_object *v);
