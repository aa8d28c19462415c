/* SPDX-License-Identifier: MIT */
/*
 * json-c behind one header: strict parsing of foreign documents, typed access, output.
 * struct json_object is json-c's, reference-counted; AUTO_JSON puts one reference.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "pkg/base/auto.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"
#include "pkg/json/scan.h"

static inline void json_putp(struct json_object **o)
{
	if (*o)
		(void)json_object_put(*o);
	*o = NULL;
}
#define AUTO_JSON AUTO(json_putp)

/**
 * json_parse() - one whole document: depth <= 64, no trailing bytes, no duplicate keys, valid UTF-8,
 * no NUL inside strings (L17, G07, Z04). Size is the caller's limit. -CE_BAD_FORMAT.
 */
int json_parse(const char *s, size_t n, struct json_object **ret);

/*
 * Typed members of an object. Missing or null leaves the output untouched and returns 0; present
 * with the wrong type is -CE_BAD_FORMAT naming the key.
 */
int json_get_str(struct json_object *o, const char *key, const char **ret); /* points into o */
int json_get_i64(struct json_object *o, const char *key, int64_t *ret);
int json_get_u64(struct json_object *o, const char *key, uint64_t *ret);
int json_get_bool(struct json_object *o, const char *key, bool *ret);
int json_get_obj(struct json_object *o, const char *key, struct json_object **ret); /* borrowed */
int json_get_arr(struct json_object *o, const char *key, struct json_object **ret); /* borrowed */
int json_get_strv(struct json_object *o, const char *key,
		  struct strv *ret); /* array of strings, appended */
int json_get_map(struct json_object *o, const char *key, struct strv *ret); /* {"k":"v"} as "k=v" */

/* Building. All take ownership of what they are given. */
void json_set(struct json_object *o, const char *key, struct json_object *v);
void json_set_str(struct json_object *o, const char *key, const char *v); /* NULL writes null */
/** json_add_str() - a member that is new, under a key that outlives the object: no search and no copy. */
void json_add_str(struct json_object *o, const char *key, const char *v);
void json_set_i64(struct json_object *o, const char *key, int64_t v);
void json_set_bool(struct json_object *o, const char *key, bool v);
void json_set_size(struct json_object *o, const char *key,
		   uint64_t bytes); /* as size_format() says it */
void json_set_size_word(struct json_object *o, const char *key,
			uint64_t bytes); /* as size_format_word() does */
struct json_object *json_from_strv(const struct strv *sv); /* array; [] when empty */
struct json_object *json_from_set(const struct strv *sv); /* "k" to {"k":{}}, sorted likewise; {} when empty */
struct json_object *json_from_map(const struct strv *sv); /* "k=v" to {"k":"v"}, sorted as Go writes maps; of one key twice the later */

/** json_write() - compact text; control characters escaped. Pretty: 4-space indent as podman prints. */
void json_write(struct json_object *o, bool pretty, struct sbuf *out);
/** json_write_members() - compact text of an object that has some, without its braces. */
void json_write_members(struct json_object *o, struct sbuf *out);
