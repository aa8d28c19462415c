/* SPDX-License-Identifier: MIT */
/*
 * What Go's types tell templates and JSON does not: that a string is an instant (time.Time, which has
 * methods and prints in a form of its own), and that an object is a map, whose missing key is no error.
 */
#pragma once
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/** json_time() - the instant as a string of RFC 3339; @ns as in pkg/base/clock.h. */
struct json_object *json_time(int64_t ns);
/** json_set_time() - the same as a member. */
void json_set_time(struct json_object *o, const char *key, int64_t ns);
bool json_is_time(struct json_object *o, int64_t *ret_ns);

/** json_as_map() - @o, an object, is a map from here on; returns it. */
struct json_object *json_as_map(struct json_object *o);
bool json_is_map(struct json_object *o);
