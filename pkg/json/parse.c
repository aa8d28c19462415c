/* SPDX-License-Identifier: MIT */
/*
 * The strict reader. json-c's own tokener keeps the last of two equal keys, cuts strings at NUL,
 * clamps integers and lets invalid UTF-8 through, so documents of strangers (manifests, configs,
 * states of other tools) are read by the recursive descent of scan.c, to which this only adds
 * json-c values: one grammar, one verdict.
 */
#include "pkg/json/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/json/scan.h"

static int parse_value(struct json_scan *s, struct json_object **ret);

static int parse_number(struct json_scan *s, struct json_object **ret)
{
	char text[JSON_NUMBER_MAX];
	bool integer;
	double d;
	int r = json_scan_number(s, text, &integer);

	if (r < 0)
		return r;
	errno = 0;
	if (integer && *text == '-') {
		int64_t i = strtoll(text, NULL, 10);

		if (errno == 0)
			*ret = json_object_new_int64(i);
	} else if (integer) {
		uint64_t u = strtoull(text, NULL, 10);

		if (errno == 0)
			*ret = u <= INT64_MAX ? json_object_new_int64((int64_t)u)
					      : json_object_new_uint64(u);
	} else {
		d = strtod(text, NULL);
		if (isfinite(d))
			*ret = json_object_new_double_s(d, text);
	}
	return *ret ? 0 : json_scan_bad(s, "number out of range");
}

static int parse_object(struct json_scan *s, struct json_object *o)
{
	int r = json_scan_open(s, '{'), more;

	while (r == 0 && (more = json_scan_key(s)) != 0) {
		AUTO_FREE char *key = NULL;
		struct json_object *v = NULL;

		if (more < 0)
			return more;
		if (json_object_object_get_ex(o, s->text.s, NULL))
			return err_new(-CE_BAD_FORMAT, "JSON: duplicate key \"%.64s\"", s->text.s);
		key = sbuf_steal(&s->text);
		r = parse_value(s, &v);
		if (r == 0)
			(void)json_object_object_add_ex(o, key, v, JSON_C_OBJECT_ADD_KEY_IS_NEW);
	}
	return r;
}

static int parse_array(struct json_scan *s, struct json_object *arr)
{
	int r = json_scan_open(s, '['), more;

	while (r == 0 && (more = json_scan_element(s)) != 0) {
		struct json_object *v = NULL;

		r = more < 0 ? more : parse_value(s, &v);
		if (r == 0)
			(void)json_object_array_add(arr, v);
	}
	return r;
}

static int parse_bool(struct json_scan *s, struct json_object **ret)
{
	bool yes;
	int r = json_scan_bool(s, &yes);

	if (r == 0)
		*ret = json_object_new_boolean(yes);
	return r;
}

static int parse_value(struct json_scan *s, struct json_object **ret)
{
	AUTO_JSON struct json_object *v = NULL;
	int r;

	switch (json_scan_peek(s)) {
	case '\0':
		r = s->p == s->end ? json_scan_bad(s, "unexpected end")
				   : json_scan_bad(s, "unexpected character");
		break;
	case '{':
		v = json_object_new_object();
		r = parse_object(s, v);
		break;
	case '[':
		v = json_object_new_array();
		r = parse_array(s, v);
		break;
	case '"':
		r = json_scan_string(s);
		if (r == 0)
			v = json_object_new_string_len(s->text.s, (int)s->text.len);
		break;
	case 't':
	case 'f':
		r = parse_bool(s, &v);
		break;
	case 'n':
		r = json_scan_null(s) ? 0 : json_scan_bad(s, "unexpected character");
		break;
	default:
		r = parse_number(s, &v);
	}
	if (r == 0)
		*ret = TAKE_PTR(v);
	return r;
}

int json_parse(const char *s, size_t n, struct json_object **ret)
{
	struct json_object *v = NULL;
	struct json_scan scan;
	int r;

	json_scan_init(&scan, s, n);
	r = n > INT32_MAX ? json_scan_bad(&scan, "document too large") : parse_value(&scan, &v);
	if (r == 0)
		r = json_scan_end(&scan);
	json_scan_done(&scan);
	if (r < 0) {
		(void)json_object_put(v);
		return r;
	}
	*ret = v;
	return 0;
}
