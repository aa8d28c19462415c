/* SPDX-License-Identifier: MIT */
#include "pkg/json/kind.h"

#include <stdint.h>

#include "pkg/base/clock.h"
#include "pkg/json/json.h"

/* Where the user data of a value points says what it is, as in nil.c. */
static const char time_tag, map_tag;

static struct json_object *tag(struct json_object *o, const char *kind)
{
	json_object_set_userdata(o, (void *)(uintptr_t)kind, NULL);
	return o;
}

struct json_object *json_time(int64_t ns)
{
	char text[CLOCK_TEXT_MAX];

	clock_format_rfc3339(ns, text);
	return tag(json_object_new_string(text), &time_tag);
}

void json_set_time(struct json_object *o, const char *key, int64_t ns)
{
	json_set(o, key, json_time(ns));
}

bool json_is_time(struct json_object *o, int64_t *ret_ns)
{
	return o && json_object_is_type(o, json_type_string) &&
	       json_object_get_userdata(o) == &time_tag &&
	       clock_parse(json_object_get_string(o), ret_ns) == 0;
}

struct json_object *json_as_map(struct json_object *o)
{
	return tag(o, &map_tag);
}

bool json_is_map(struct json_object *o)
{
	return o && json_object_get_userdata(o) == &map_tag;
}
