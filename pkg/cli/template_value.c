/* SPDX-License-Identifier: MIT */
/* Values as Go's text/template and fmt see them. */
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"
#include "pkg/cli/template_internal.h"
#include "pkg/json/kind.h"
#include "pkg/json/nil.h"

bool value_truth(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_null:
		return false;
	case json_type_string:
		return json_object_get_string_len(v) > 0;
	case json_type_array:
		return json_object_array_length(v) > 0;
	case json_type_object:
		return json_object_object_length(v) > 0;
	case json_type_double:
		return json_object_get_double(v) != 0;
	case json_type_boolean:
		return json_object_get_boolean(v);
	case json_type_int:
		break;
	}
	return json_object_get_int64(v) != 0;
}

static void map_text(struct json_object *v, struct sbuf *out)
{
	AUTO_STRV struct strv keys = STRV_INIT;

	json_object_object_foreach(v, key, unused)
	{
		(void)unused;
		strv_add(&keys, key);
	}
	strv_sort(&keys);
	sbuf_adds(out, "map[");
	for (size_t i = 0; i < keys.n; i++) {
		sbuf_addf(out, "%s%s:", i ? " " : "", keys.v[i]);
		value_text(json_object_object_get(v, keys.v[i]), out);
	}
	sbuf_addc(out, ']');
}

void value_text(struct json_object *v, struct sbuf *out)
{
	int64_t ns;

	if (json_nil_kind(v) == JSON_NIL_POINTER || json_nil_kind(v) == JSON_NIL_ABSENT) {
		sbuf_adds(out, "<nil>");
		return;
	}
	if (json_is_time(v, &ns)) {
		time_text(v, out);
		return;
	}
	switch (json_object_get_type(v)) {
	case json_type_null:
		sbuf_adds(out, "<no value>");
		return;
	case json_type_string:
		sbuf_add(out, json_object_get_string(v), (size_t)json_object_get_string_len(v));
		return;
	case json_type_array:
		sbuf_addc(out, '[');
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			sbuf_adds(out, i ? " " : "");
			value_text(json_object_array_get_idx(v, i), out);
		}
		sbuf_addc(out, ']');
		return;
	case json_type_object:
		map_text(v, out);
		return;
	default:
		sbuf_adds(out, json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN));
	}
}

static bool is_number(struct json_object *v)
{
	return json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
}

static int compare_numbers(struct json_object *a, struct json_object *b)
{
	int64_t x, y;
	double d, e;

	if (json_object_is_type(a, json_type_double) || json_object_is_type(b, json_type_double)) {
		d = json_object_get_double(a);
		e = json_object_get_double(b);
		return (d > e) - (d < e);
	}
	x = json_object_get_int64(a);
	y = json_object_get_int64(b);
	return (x > y) - (x < y);
}

int value_compare(struct json_object *a, struct json_object *b, int *ret)
{
	if (!a || !b)
		*ret = (a != NULL) - (b != NULL);
	else if (is_number(a) && is_number(b))
		*ret = compare_numbers(a, b);
	else if (json_object_is_type(a, json_type_string) &&
		 json_object_is_type(b, json_type_string))
		*ret = strcmp(json_object_get_string(a), json_object_get_string(b));
	else if (json_object_is_type(a, json_type_boolean) &&
		 json_object_is_type(b, json_type_boolean))
		*ret = json_object_get_boolean(a) - json_object_get_boolean(b);
	else
		return err_usage("format: cannot compare %s with %s",
				 json_type_to_name(json_object_get_type(a)),
				 json_type_to_name(json_object_get_type(b)));
	return 0;
}

void sbuf_add_untrusted(struct sbuf *out, const char *s, size_t n, bool cell)
{
	char piece[UTF8_ESCAPED_MAX];

	while (n > 0) {
		size_t plain = utf8_plain(s, n);
		unsigned used;

		sbuf_add(out, s, plain);
		s += plain;
		n -= plain;
		if (n == 0)
			break;
		if (!cell && (*s == '\n' || *s == '\t')) {
			sbuf_addc(out, *s);
			used = 1;
		} else {
			used = utf8_escape_step(s, n, piece);
			sbuf_adds(out, piece);
		}
		s += used;
		n -= used;
	}
}

/* ---- printf ---- */

#define PRINTF_WIDTH_MAX 4096

struct verb {
	bool minus, zero, plus, sharp;
	int width, precision; /* -1: not given */
	char c;
};

static int take_count(const char **p, int *ret)
{
	int v = 0;

	while (**p >= '0' && **p <= '9') {
		v = v * 10 + (*(*p)++ - '0');
		if (v > PRINTF_WIDTH_MAX)
			return err_usage("format: printf: field wider than %d", PRINTF_WIDTH_MAX);
	}
	*ret = v;
	return 0;
}

static int take_verb(const char **p, struct verb *v)
{
	*v = (struct verb){.width = -1, .precision = -1};
	for (; **p && strchr("-0+# ", **p); (*p)++) {
		v->minus |= **p == '-';
		v->zero |= **p == '0';
		v->plus |= **p == '+';
		v->sharp |= **p == '#';
	}
	if (**p >= '1' && **p <= '9' && take_count(p, &v->width) < 0)
		return -CE_USAGE;
	if (**p == '.') {
		(*p)++;
		if (take_count(p, &v->precision) < 0)
			return -CE_USAGE;
	}
	v->c = **p;
	if (!v->c)
		return err_usage("format: printf: cut verb at the end");
	(*p)++;
	return 0;
}

static void add_hex(const char *s, size_t n, bool upper, struct sbuf *out)
{
	for (size_t i = 0; i < n; i++)
		sbuf_addf(out, upper ? "%02X" : "%02x", (unsigned)(unsigned char)s[i]);
}

static int format_number(const struct verb *v, struct json_object *a, struct sbuf *out)
{
	const char spec[] = {'%', 'l', 'l', v->c, '\0'};
	int64_t i = json_object_get_int64(a);

	if (strchr("eEfFgG", v->c)) {
		const char real[] = {'%', '.', '*', v->c, '\0'};

		sbuf_addf(out, real, v->precision < 0 ? 6 : v->precision,
			  json_object_get_double(a));
		return 0;
	}
	if (!json_object_is_type(a, json_type_int))
		return err_usage("format: printf: %%%c needs a whole number", v->c);
	if (v->c == 'd')
		sbuf_addf(out, v->plus ? "%+lld" : "%lld", (long long)i);
	else
		sbuf_addf(out, spec, (long long)i);
	return 0;
}

static int format_one(const struct verb *v, struct json_object *a, struct sbuf *out)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (strchr("dox", v->c | 0x20) && v->c && is_number(a))
		return format_number(v, a, out);
	if (strchr("eEfFgG", v->c)) {
		if (!is_number(a))
			return err_usage("format: printf: %%%c needs a number", v->c);
		return format_number(v, a, out);
	}
	value_text(a, &text);
	if (v->c == 'q') {
		AUTO_JSON struct json_object *s = json_object_new_string_len(text.s, (int)text.len);

		json_write(s, false, out);
	} else if (v->c == 'x' || v->c == 'X') {
		add_hex(text.s, text.len, v->c == 'X', out);
	} else if (v->c == 's' || v->c == 'v' ||
		   (v->c == 't' && json_object_is_type(a, json_type_boolean))) {
		sbuf_add(out, text.s,
			 v->c == 's' && v->precision >= 0 && (size_t)v->precision < text.len
				 ? (size_t)v->precision
				 : text.len);
	} else {
		return err_usage("format: printf: %%%c does not fit its argument", v->c);
	}
	return 0;
}

static size_t columns(const char *s, size_t n)
{
	size_t w = 0;
	uint32_t cp;

	while (n > 0) {
		unsigned len = utf8_decode(s, n, &cp);

		len = len ? len : 1;
		s += len;
		n -= len;
		w++;
	}
	return w;
}

static void add_padded(const struct verb *v, const struct sbuf *text, struct sbuf *out)
{
	size_t have = columns(text->s, text->len);
	size_t pad = v->width > 0 && (size_t)v->width > have ? (size_t)v->width - have : 0;
	bool zero = v->zero && !v->minus && strchr("doxeEfFgG", v->c);
	size_t sign = zero && (text->s[0] == '-' || text->s[0] == '+');

	if (zero)
		sbuf_add(out, text->s, sign);
	for (size_t i = 0; !v->minus && i < pad; i++)
		sbuf_addc(out, zero ? '0' : ' ');
	sbuf_add(out, text->s + sign, text->len - sign);
	for (size_t i = 0; v->minus && i < pad; i++)
		sbuf_addc(out, ' ');
}

int value_printf(struct json_object **args, size_t n, struct sbuf *out)
{
	const char *p;
	size_t next = 1;

	if (n == 0 || !json_object_is_type(args[0], json_type_string))
		return err_usage("format: printf needs a format string");
	p = json_object_get_string(args[0]);
	while (*p) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;
		struct verb v;
		int r;

		if (*p != '%') {
			sbuf_addc(out, *p++);
			continue;
		}
		p++;
		if (*p == '%') {
			sbuf_addc(out, *p++);
			continue;
		}
		r = take_verb(&p, &v);
		if (r == 0 && next >= n)
			r = err_usage("format: printf: no argument for %%%c", v.c);
		if (r == 0)
			r = format_one(&v, args[next++], &text);
		if (r < 0)
			return r;
		add_padded(&v, &text, out);
	}
	if (next < n)
		return err_usage("format: printf: more arguments than verbs");
	return 0;
}
