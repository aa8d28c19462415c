/* SPDX-License-Identifier: MIT */
#include "pkg/json/json.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/base/utf8.h"
#include "pkg/json/kind.h"
#include "pkg/json/nil.h"

/* Return 1 with the member, 0 when missing or null, or the error. */
static int member(struct json_object *o, const char *key, enum json_type want,
		  struct json_object **ret)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object))
		return err_new(-CE_BAD_FORMAT, "\"%s\": not inside an object", key);
	if (!json_object_object_get_ex(o, key, &v) || !v)
		return 0;
	if (!json_object_is_type(v, want))
		return err_new(-CE_BAD_FORMAT, "\"%s\" is not of type %s", key,
			       json_type_to_name(want));
	*ret = v;
	return 1;
}

int json_get_str(struct json_object *o, const char *key, const char **ret)
{
	struct json_object *v;
	int r = member(o, key, json_type_string, &v);

	if (r <= 0)
		return r;
	*ret = json_object_get_string(v);
	return 0;
}

int json_get_i64(struct json_object *o, const char *key, int64_t *ret)
{
	struct json_object *v;
	int r = member(o, key, json_type_int, &v);

	if (r <= 0)
		return r;
	if (json_object_get_uint64(v) > INT64_MAX)
		return err_new(-CE_BAD_FORMAT, "\"%s\" is too large", key);
	*ret = json_object_get_int64(v);
	return 0;
}

int json_get_u64(struct json_object *o, const char *key, uint64_t *ret)
{
	struct json_object *v;
	int r = member(o, key, json_type_int, &v);

	if (r <= 0)
		return r;
	if (json_object_get_int64(v) < 0)
		return err_new(-CE_BAD_FORMAT, "\"%s\" is negative", key);
	*ret = json_object_get_uint64(v);
	return 0;
}

int json_get_bool(struct json_object *o, const char *key, bool *ret)
{
	struct json_object *v;
	int r = member(o, key, json_type_boolean, &v);

	if (r <= 0)
		return r;
	*ret = json_object_get_boolean(v);
	return 0;
}

int json_get_obj(struct json_object *o, const char *key, struct json_object **ret)
{
	int r = member(o, key, json_type_object, ret);

	return r < 0 ? r : 0;
}

int json_get_arr(struct json_object *o, const char *key, struct json_object **ret)
{
	int r = member(o, key, json_type_array, ret);

	return r < 0 ? r : 0;
}

int json_get_strv(struct json_object *o, const char *key, struct strv *ret)
{
	struct json_object *arr;
	size_t n;
	int r = member(o, key, json_type_array, &arr);

	if (r <= 0)
		return r;
	n = json_object_array_length(arr);
	for (size_t i = 0; i < n; i++)
		if (!json_object_is_type(json_object_array_get_idx(arr, i), json_type_string))
			return err_new(-CE_BAD_FORMAT, "\"%s\" is not a list of strings", key);
	for (size_t i = 0; i < n; i++)
		strv_add(ret, json_object_get_string(json_object_array_get_idx(arr, i)));
	return 0;
}

int json_get_map(struct json_object *o, const char *key, struct strv *ret)
{
	struct json_object *map;
	int r = member(o, key, json_type_object, &map);

	if (r <= 0)
		return r;
	json_object_object_foreach(map, unused_name, checked)
	{
		(void)unused_name;
		if (!json_object_is_type(checked, json_type_string))
			return err_new(-CE_BAD_FORMAT, "\"%s\" is not a map of strings", key);
	}
	json_object_object_foreach(map, name, value)
		strv_addf(ret, "%s=%s", name, json_object_get_string(value));
	return 0;
}

void json_set(struct json_object *o, const char *key, struct json_object *v)
{
	(void)json_object_object_add(o, key, v);
}

void json_set_str(struct json_object *o, const char *key, const char *v)
{
	json_set(o, key, v ? json_object_new_string(v) : NULL);
}

void json_add_str(struct json_object *o, const char *key, const char *v)
{
	(void)json_object_object_add_ex(o, key, v ? json_object_new_string(v) : NULL,
					JSON_C_OBJECT_ADD_KEY_IS_NEW |
						JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

void json_set_i64(struct json_object *o, const char *key, int64_t v)
{
	json_set(o, key, json_object_new_int64(v));
}

void json_set_bool(struct json_object *o, const char *key, bool v)
{
	json_set(o, key, json_object_new_boolean(v));
}

void json_set_size(struct json_object *o, const char *key, uint64_t bytes)
{
	char text[SIZE_TEXT_MAX];

	size_format(bytes, text);
	json_set_str(o, key, text);
}

void json_set_size_word(struct json_object *o, const char *key, uint64_t bytes)
{
	char text[SIZE_TEXT_MAX];

	size_format_word(bytes, text);
	json_set_str(o, key, text);
}

struct json_object *json_from_strv(const struct strv *sv)
{
	struct json_object *arr = json_object_new_array();

	for (size_t i = 0; i < sv->n; i++)
		(void)json_object_array_add(arr, json_object_new_string(sv->v[i]));
	return arr;
}

struct json_object *json_from_set(const struct strv *sv)
{
	struct json_object *set = json_as_map(json_object_new_object());
	AUTO_STRV struct strv sorted = STRV_INIT;

	strv_add_all(&sorted, sv);
	strv_sort(&sorted);
	for (size_t i = 0; i < sorted.n; i++)
		json_set(set, sorted.v[i], json_object_new_object());
	return set;
}

struct json_object *json_from_map(const struct strv *sv)
{
	AUTO_JSON struct json_object *given = json_object_new_object();
	struct json_object *map = json_object_new_object();
	AUTO_STRV struct strv keys = STRV_INIT;

	for (size_t i = 0; i < sv->n; i++) {
		const char *eq = strchr(sv->v[i], '=');
		AUTO_FREE char *key = xstrndup(sv->v[i],
					       eq ? (size_t)(eq - sv->v[i]) : strlen(sv->v[i]));

		if (!json_object_object_get_ex(given, key, NULL))
			strv_add(&keys, key);
		json_set_str(given, key, eq ? eq + 1 : "");
	}
	strv_sort(&keys);
	for (size_t i = 0; i < keys.n; i++)
		json_set(map, keys.v[i],
			 json_object_get(json_object_object_get(given, keys.v[i])));
	return json_as_map(map);
}

static void write_string(const char *s, size_t n, struct sbuf *out)
{
	sbuf_addc(out, '"');
	while (n > 0) {
		uint32_t cp = 0;
		unsigned len = utf8_decode(s, n, &cp);

		if (len == 0)
			sbuf_adds(out, "\\ufffd");
		else if (cp == '"' || cp == '\\')
			sbuf_addf(out, "\\%c", (int)cp);
		else if (cp == '\n' || cp == '\t' || cp == '\r')
			sbuf_adds(out, cp == '\n' ? "\\n" : cp == '\t' ? "\\t" : "\\r");
		else if (utf8_is_unsafe(cp))
			sbuf_addf(out, "\\u%04x", cp);
		else
			sbuf_add(out, s, len);
		len = len ? len : 1;
		s += len;
		n -= len;
	}
	sbuf_addc(out, '"');
}

static void line_start(struct sbuf *out, int indent)
{
	if (indent < 0)
		return;
	sbuf_addc(out, '\n');
	for (int i = 0; i < indent; i++)
		sbuf_adds(out, "    ");
}

/* @indent: depth when pretty, -1 when compact. */
static void write_value(struct json_object *o, int indent, struct sbuf *out)
{
	int inner = indent < 0 ? -1 : indent + 1;
	bool first = true;

	if (json_nil_kind(o) != JSON_NIL_NONE) {
		sbuf_adds(out, "null");
		return;
	}
	switch (json_object_get_type(o)) {
	case json_type_string:
		write_string(json_object_get_string(o), (size_t)json_object_get_string_len(o), out);
		return;
	case json_type_object:
		sbuf_addc(out, '{');
		json_object_object_foreach(o, key, value)
		{
			if (json_is_omitted(value))
				continue;
			sbuf_adds(out, first ? "" : ",");
			first = false;
			line_start(out, inner);
			write_string(key, strlen(key), out);
			sbuf_adds(out, indent < 0 ? ":" : ": ");
			write_value(value, inner, out);
		}
		if (!first)
			line_start(out, indent);
		sbuf_addc(out, '}');
		return;
	case json_type_array:
		sbuf_addc(out, '[');
		for (size_t i = 0; i < json_object_array_length(o); i++) {
			sbuf_adds(out, i ? "," : "");
			line_start(out, inner);
			write_value(json_object_array_get_idx(o, i), inner, out);
		}
		if (json_object_array_length(o) > 0)
			line_start(out, indent);
		sbuf_addc(out, ']');
		return;
	default:
		sbuf_adds(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	}
}

void json_write(struct json_object *o, bool pretty, struct sbuf *out)
{
	write_value(o, pretty ? 0 : -1, out);
}

void json_write_members(struct json_object *o, struct sbuf *out)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	json_write(o, false, &text);
	sbuf_add(out, text.s + 1, text.len - 2);
}
