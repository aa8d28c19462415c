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
	       (strspn(s, "0123456789.eE+-_xo") != n || !strpbrk(s, "0123456789"));
}

/* JSON, but for the characters that YAML has only escaped or takes for line breaks. */
static void add_quoted(struct json_object *v, struct sbuf *out)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	json_write(v, false, &text);
	for (const unsigned char *s = (const unsigned char *)text.s; *s; s++) {
		if (*s == 0x7f) {
			sbuf_adds(out, "\\u007f");
		} else if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) {
			sbuf_addf(out, "\\u00%02x", s[1]);
			s++;
		} else if ((s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9)) ||
			   (s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf) ||
			   (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe)) {
			sbuf_addf(out, "\\u%04x",
				  (s[0] & 0xfU) << 12 | (s[1] & 0x3fU) << 6 | (s[2] & 0x3fU));
			s += 2;
		} else {
			sbuf_addc(out, (char)*s);
		}
	}
}

static void add_scalar(struct json_object *v, struct sbuf *out)
{
	if (json_object_is_type(v, json_type_string) && is_plain(json_object_get_string(v)))
		sbuf_adds(out, json_object_get_string(v));
	else
		add_quoted(v, out);
}

static void add_key(const char *key, struct sbuf *out)
{
	AUTO_JSON struct json_object *v = json_object_new_string(key);

	add_scalar(v, out);
	sbuf_addc(out, ':');
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
		sbuf_addf(out, "%*s", hang ? 0 : indent, "");
		add_key(key, out);
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

	if (is_empty(object)) {
		add_scalar(object, &text);
		sbuf_addc(&text, '\n');
	} else {
		add_value(object, 0, false, &text);
	}
	(void)fwrite(text.s, 1, text.len, out);
}
