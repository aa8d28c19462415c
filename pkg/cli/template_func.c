/* SPDX-License-Identifier: MIT */
/* The functions of templates: Go's own and those that docker and podman add. */
#include <ctype.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"
#include "pkg/cli/template_internal.h"

#define PAD_MAX 4096

struct function {
	const char *name;
	size_t min, max;
	bool header; /* a column header given as first argument passes through */
	int (*call)(struct json_object **a, size_t n, struct json_object **ret);
};

/* NULL with the trail set when it is no string. */
static const char *text_of(struct json_object *v, const char *who)
{
	if (json_object_is_type(v, json_type_string))
		return json_object_get_string(v);
	err_usage("format: %s needs a string", who);
	return NULL;
}

static int take_count(struct json_object *v, const char *who, size_t max, size_t *ret)
{
	if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0 ||
	    (uint64_t)json_object_get_int64(v) > max)
		return err_usage("format: %s: number out of range", who);
	*ret = (size_t)json_object_get_int64(v);
	return 0;
}

static struct json_object *from_sbuf(const struct sbuf *b)
{
	return json_object_new_string_len(b->s, (int)b->len);
}

static int call_json(struct json_object **a, size_t n, struct json_object **ret)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	(void)n;
	json_write(a[0], false, &out);
	*ret = from_sbuf(&out);
	return 0;
}

static int call_join(struct json_object **a, size_t n, struct json_object **ret)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	const char *sep = n == 2 ? text_of(a[1], "join") : "";

	if (!sep)
		return -CE_USAGE;
	if (a[0] && !json_object_is_type(a[0], json_type_array))
		return err_usage("format: join needs a list");
	for (size_t i = 0; a[0] && i < json_object_array_length(a[0]); i++) {
		sbuf_adds(&out, i ? sep : "");
		value_text(json_object_array_get_idx(a[0], i), &out);
	}
	*ret = from_sbuf(&out);
	return 0;
}

static int call_split(struct json_object **a, size_t n, struct json_object **ret)
{
	const char *s = text_of(a[0], "split"), *sep = text_of(a[1], "split");
	size_t len;

	(void)n;
	if (!s || !sep)
		return -CE_USAGE;
	len = strlen(sep);
	*ret = json_object_new_array();
	for (;;) {
		const char *hit = len ? strstr(s, sep) : *s ? s + 1 : NULL;

		if (!len && !*s)
			return 0;
		(void)json_object_array_add(
			*ret,
			json_object_new_string_len(s, (int)(hit ? (size_t)(hit - s) : strlen(s))));
		if (!hit)
			return 0;
		s = hit + len;
	}
}

static int change_case(struct json_object *v, const char *who, int how, struct json_object **ret)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	const char *s = text_of(v, who);
	bool start = true;

	if (!s)
		return -CE_USAGE;
	for (; *s; s++) {
		int c = (unsigned char)*s;
		bool up = how > 0 || (how == 0 && start);

		if (c < 0x80)
			c = up ? toupper(c) : how < 0 ? tolower(c) : c;
		sbuf_addc(&out, (char)c);
		start = isspace(c);
	}
	*ret = from_sbuf(&out);
	return 0;
}

static int call_lower(struct json_object **a, size_t n, struct json_object **ret)
{
	(void)n;
	return change_case(a[0], "lower", -1, ret);
}

static int call_upper(struct json_object **a, size_t n, struct json_object **ret)
{
	(void)n;
	return change_case(a[0], "upper", 1, ret);
}

static int call_title(struct json_object **a, size_t n, struct json_object **ret)
{
	(void)n;
	return change_case(a[0], "title", 0, ret);
}

static int call_pad(struct json_object **a, size_t n, struct json_object **ret)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	const char *s = text_of(a[0], "pad");
	size_t before, after;

	(void)n;
	if (!s || take_count(a[1], "pad", PAD_MAX, &before) < 0 ||
	    take_count(a[2], "pad", PAD_MAX, &after) < 0)
		return -CE_USAGE;
	if (*s)
		sbuf_addf(&out, "%*s%s%*s", (int)before, "", s, (int)after, "");
	*ret = from_sbuf(&out);
	return 0;
}

static int call_truncate(struct json_object **a, size_t n, struct json_object **ret)
{
	const char *s = text_of(a[0], "truncate"), *p;
	size_t max;
	uint32_t cp;

	(void)n;
	if (!s || take_count(a[1], "truncate", INT32_MAX, &max) < 0)
		return -CE_USAGE;
	for (p = s; *p && max > 0; max--) {
		unsigned len = utf8_decode(p, strlen(p), &cp);

		p += len ? len : 1;
	}
	*ret = json_object_new_string_len(s, (int)(p - s));
	return 0;
}

static int call_len(struct json_object **a, size_t n, struct json_object **ret)
{
	size_t len;

	(void)n;
	switch (json_object_get_type(a[0])) {
	case json_type_null:
		len = 0;
		break;
	case json_type_string:
		len = (size_t)json_object_get_string_len(a[0]);
		break;
	case json_type_array:
		len = json_object_array_length(a[0]);
		break;
	case json_type_object:
		len = (size_t)json_object_object_length(a[0]);
		break;
	default:
		return err_usage("format: len of a number");
	}
	*ret = json_object_new_int64((int64_t)len);
	return 0;
}

/* What Go gives for a key that is not there depends on the type: "" where all values are strings. */
static struct json_object *missing_member(struct json_object *map)
{
	if (map) {
		json_object_object_foreach(map, key, v)
		{
			(void)key;
			if (!json_object_is_type(v, json_type_string))
				return NULL;
		}
	}
	return json_object_new_string("");
}

static int index_one(struct json_object *v, struct json_object *key, struct json_object **ret)
{
	struct json_object *hit = NULL;
	size_t i;

	if (json_object_is_type(key, json_type_string) &&
	    (!v || json_object_is_type(v, json_type_object))) {
		if (v && json_object_object_get_ex(v, json_object_get_string(key), &hit))
			*ret = json_object_get(hit);
		else
			*ret = missing_member(v);
		return 0;
	}
	if (!v)
		return err_usage("format: index of a value that is not set");
	if (!json_object_is_type(v, json_type_array))
		return err_usage(
			"format: index of something that is no list and no map of this kind");
	if (take_count(key, "index", SIZE_MAX >> 1, &i) < 0)
		return -CE_USAGE;
	if (i >= json_object_array_length(v))
		return err_usage("format: index %zu is out of range: the list has %zu", i,
				 json_object_array_length(v));
	*ret = json_object_get(json_object_array_get_idx(v, i));
	return 0;
}

static int call_index(struct json_object **a, size_t n, struct json_object **ret)
{
	AUTO_JSON struct json_object *v = json_object_get(a[0]);

	for (size_t i = 1; i < n; i++) {
		AUTO_JSON struct json_object *next = NULL;

		if (index_one(v, a[i], &next) < 0)
			return -CE_USAGE;
		json_putp(&v);
		v = TAKE_PTR(next);
	}
	*ret = TAKE_PTR(v);
	return 0;
}

static int call_slice(struct json_object **a, size_t n, struct json_object **ret)
{
	bool text = json_object_is_type(a[0], json_type_string);
	size_t from = 0, to;

	if (!text && !json_object_is_type(a[0], json_type_array))
		return err_usage("format: slice of something that is no list and no string");
	to = text ? (size_t)json_object_get_string_len(a[0]) : json_object_array_length(a[0]);
	if ((n > 2 && take_count(a[2], "slice", to, &to) < 0) ||
	    (n > 1 && take_count(a[1], "slice", to, &from) < 0))
		return -CE_USAGE;
	if (text) {
		*ret = json_object_new_string_len(json_object_get_string(a[0]) + from,
						  (int)(to - from));
		return 0;
	}
	*ret = json_object_new_array();
	for (size_t i = from; i < to; i++)
		(void)json_object_array_add(*ret,
					    json_object_get(json_object_array_get_idx(a[0], i)));
	return 0;
}

static int call_printf(struct json_object **a, size_t n, struct json_object **ret)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int r = value_printf(a, n, &out);

	if (r == 0)
		*ret = from_sbuf(&out);
	return r;
}

/* print puts a space between two that are both no strings, println between all. */
static int print_all(struct json_object **a, size_t n, bool line, struct json_object **ret)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (line || (!json_object_is_type(a[i], json_type_string) &&
				       !json_object_is_type(a[i - 1], json_type_string))))
			sbuf_addc(&out, ' ');
		value_text(a[i], &out);
	}
	if (line)
		sbuf_addc(&out, '\n');
	*ret = from_sbuf(&out);
	return 0;
}

static int call_print(struct json_object **a, size_t n, struct json_object **ret)
{
	return print_all(a, n, false, ret);
}

static int call_println(struct json_object **a, size_t n, struct json_object **ret)
{
	return print_all(a, n, true, ret);
}

static int call_not(struct json_object **a, size_t n, struct json_object **ret)
{
	(void)n;
	*ret = json_object_new_boolean(!value_truth(a[0]));
	return 0;
}

static int call_eq(struct json_object **a, size_t n, struct json_object **ret)
{
	bool hit = false;

	for (size_t i = 1; i < n && !hit; i++) {
		int order;

		if (value_compare(a[0], a[i], &order) < 0)
			return -CE_USAGE;
		hit = order == 0;
	}
	*ret = json_object_new_boolean(hit);
	return 0;
}

/* @wanted: bits of the orders that make it true: 1 less, 2 equal, 4 greater. */
static int compare(struct json_object **a, unsigned wanted, struct json_object **ret)
{
	int order;

	if (value_compare(a[0], a[1], &order) < 0)
		return -CE_USAGE;
	*ret = json_object_new_boolean((wanted & (order < 0 ? 1U : order == 0 ? 2U : 4U)) != 0);
	return 0;
}

#define COMPARISON(name, wanted)                                                           \
	static int call_##name(struct json_object **a, size_t n, struct json_object **ret) \
	{                                                                                  \
		(void)n;                                                                   \
		return compare(a, wanted, ret);                                            \
	}
COMPARISON(ne, 5)
COMPARISON(lt, 1)
COMPARISON(le, 3)
COMPARISON(gt, 4)
COMPARISON(ge, 6)

/* clang-format off */
static const struct function functions[] = {
	{"json", 1, 1, true, call_json},          {"join", 1, 2, true, call_join},
	{"split", 2, 2, true, call_split},        {"lower", 1, 1, true, call_lower},
	{"upper", 1, 1, true, call_upper},        {"title", 1, 1, true, call_title},
	{"pad", 3, 3, true, call_pad},            {"truncate", 2, 2, true, call_truncate},
	{"println", 0, 15, false, call_println},  {"print", 0, 15, false, call_print},
	{"printf", 1, 15, false, call_printf},    {"len", 1, 1, true, call_len},
	{"index", 1, 15, true, call_index},       {"slice", 1, 3, true, call_slice},
	{"not", 1, 1, true, call_not},            {"eq", 2, 15, true, call_eq},
	{"ne", 2, 2, true, call_ne},              {"lt", 2, 2, true, call_lt},
	{"le", 2, 2, true, call_le},              {"gt", 2, 2, true, call_gt},
	{"ge", 2, 2, true, call_ge},
	{"and", 1, 15, true, NULL},               {"or", 1, 15, true, NULL}, /* evaluated lazily elsewhere */
};
/* clang-format on */

static const struct function *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}

bool template_has_function(const char *name)
{
	return find(name) != NULL;
}

int template_call(const char *name, struct json_object **args, size_t n, enum template_mode mode,
		  struct json_object **ret)
{
	const struct function *f = find(name);

	if (!f || !f->call || n < f->min || n > f->max)
		return err_usage("format: wrong number of arguments for \"%s\"", name);
	if (mode == TEMPLATE_HEADER && f->header) {
		*ret = json_object_get(args[0]);
		return 0;
	}
	return f->call(args, n, ret);
}
