/* SPDX-License-Identifier: MIT */
#include "pkg/json/nil.h"

#include <stdint.h>

#include "pkg/base/auto.h"

/* Where the user data of an object points says what it is; others are in kind.c. */
static const char tags[JSON_NIL_ABSENT + 1], omitted;

struct json_object *json_nil(enum json_nil kind)
{
	struct json_object *o = kind == JSON_NIL_LIST ? json_object_new_array()
						      : json_object_new_object();

	json_object_set_userdata(o, (void *)(uintptr_t)&tags[kind], NULL);
	return o;
}

enum json_nil json_nil_kind(struct json_object *o)
{
	const char *tag = o ? json_object_get_userdata(o) : NULL;

	for (size_t i = JSON_NIL_LIST; tag && i < ARRAY_LEN(tags); i++)
		if (tag == &tags[i])
			return (enum json_nil)i;
	return JSON_NIL_NONE;
}

struct json_object *json_omitted(struct json_object *v)
{
	json_object_set_userdata(v, (void *)(uintptr_t)&omitted, NULL);
	return v;
}

bool json_is_omitted(struct json_object *v)
{
	return v && (json_object_get_userdata(v) == &omitted || json_nil_kind(v) == JSON_NIL_ABSENT);
}
