/* SPDX-License-Identifier: MIT */
/* JSON values as YAML, for people to read. */
#include <string.h>

#include "pkg/base/parse.h"
#include "pkg/cli/format.h"
#include "pkg/json/json.h"

/* Plain text that YAML reads back as the same string; anything else is written as JSON, which is YAML. */
static bool is_plain(const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "_-./+, ;()'@=";
	static const char *const words[] = {"true", "false", "yes", "no", "on",
					    "off",  "null",  "y",   "n"};
	size_t n = strlen(s);
	int64_t number;

	if (!n || strspn(s, safe) != n || strchr(" -,'@=.+", s[0]) || s[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return false;
	/* "1.5" and "1e3" would be numbers too. */
	return parse_i64(s, INT64_MIN, INT64_MAX, &number) < 0 &&
	       strspn(s, "0123456789.eE+-_xo") != n;
}

static void add_scalar(struct json_object *v, struct sbuf *out)
{
	if (json_object_is_type(v, json_type_string) && is_plain(json_object_get_string(v)))
		sbuf_adds(out, json_object_get_string(v));
	else
		json_write(v, false, out);
}

static bool is_empty(struct json_object *v)
{
	return json_object_is_type(v, json_type_array)    ? json_object_array_length(v) == 0
	       : json_object_is_type(v, json_type_object) ? json_object_object_length(v) == 0
							  : true;
}

/* @hang: the first line stands behind "- " already. */
static void add_value(struct json_object *v, int indent, bool hang, struct sbuf *out)
{
	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			struct json_object *e = json_object_array_get_idx(v, i);

			sbuf_addf(out, "%*s- ", hang && i == 0 ? 0 : indent, "");
			if (is_empty(e)) {
				add_scalar(e, out);
				sbuf_addc(out, '\n');
			} else {
				add_value(e, indent + 2, true, out);
			}
		}
		return;
	}
	json_object_object_foreach(v, key, e)
	{
		sbuf_addf(out, "%*s%s:", hang ? 0 : indent, "", key);
		hang = false;
		if (is_empty(e)) {
			sbuf_addc(out, ' ');
			add_scalar(e, out);
			sbuf_addc(out, '\n');
		} else {
			sbuf_addc(out, '\n');
			add_value(e, indent + 2, false, out);
		}
	}
}

void yaml_print(struct json_object *object, FILE *out)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	add_value(object, 0, false, &text);
	(void)fwrite(text.s, 1, text.len, out);
}
