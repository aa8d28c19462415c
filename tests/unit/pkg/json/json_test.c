/* SPDX-License-Identifier: MIT */
/* threats: L14, Z04 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/json/scan.h"

static int parse(const char *s, struct json_object **ret)
{
	return json_parse(s, strlen(s), ret);
}

static void assert_round_trip(const char *in, const char *want)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	assert_int_equal(parse(in, &o), 0);
	json_write(o, false, &out);
	assert_string_equal(out.s, want);
}

static void documents_survive_reading_and_writing(void **state)
{
	(void)state;
	assert_round_trip(" {\"a\" : [1, -2, 0, true, null, {}] , \"b\":\"x\"}\n",
			  "{\"a\":[1,-2,0,true,null,{}],\"b\":\"x\"}");
	assert_round_trip("18446744073709551615", "18446744073709551615");
	assert_round_trip("-9223372036854775808", "-9223372036854775808");
	assert_round_trip("1.50e3", "1.50e3");
	assert_round_trip("\"\\u00e9\\ud83d\\ude00\\/\\b\"",
			  "\"\xc3\xa9\xf0\x9f\x98\x80/\\u0008\"");
	assert_round_trip("\"\\u0061\\\"\\\\\"", "\"a\\\"\\\\\"");
}

static void what_is_not_strict_json_is_refused(void **state)
{
	static const char *const docs[] = {
		"",
		" ",
		"{",
		"[1,]",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"'a'",
		"[1 2]",
		"01",
		"-",
		"1.",
		"1e",
		"+1",
		".5",
		"nul",
		"True",
		"NaN",
		"Infinity",
		"1e999",
		"18446744073709551616",
		"-9223372036854775809",
		"{} {}",
		"[]x",
		"\"\\x41\"",
		"\"\\u12g4\"",
		"\"\\u123",
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\ud800\\u0041\"",
		"\"\\u0000\"",
		"{\"\\u0000\":1}",
		"\"a\nb\"",
		"\"\xff\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"\"\xe2\x82\"",
		"\xef\xbb\xbf{}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"{\"x\":{\"k\":1,\"k\":null}}",
		"/* */ {}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
		struct json_object *o = (void *)0x1;

		if (parse(docs[i], &o) != -CE_BAD_FORMAT)
			fail_msg("accepted: %s", docs[i]);
		assert_ptr_equal(o, (void *)0x1);
	}
	assert_int_equal(json_parse("\"a\0b\"", 5, &(struct json_object *){NULL}), -CE_BAD_FORMAT);
}

static void nesting_ends_at_the_limit(void **state)
{
	char doc[2 * JSON_DEPTH_MAX + 3];
	AUTO_JSON struct json_object *o = NULL;

	(void)state;
	memset(doc, '[', JSON_DEPTH_MAX);
	memset(doc + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_int_equal(json_parse(doc, 2 * JSON_DEPTH_MAX, &o), 0);
	memset(doc, '[', JSON_DEPTH_MAX + 1);
	memset(doc + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(json_parse(doc, 2 * JSON_DEPTH_MAX + 2, &o), -CE_BAD_FORMAT);
}

static void members_have_the_type_that_was_asked_for(void **state)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_STRV struct strv list = STRV_INIT;
	const char *s = "unset";
	int64_t i = 5;
	uint64_t u = 6;
	bool b = false;

	(void)state;
	assert_int_equal(
		parse("{\"s\":\"x\",\"n\":null,\"i\":-1,\"u\":18446744073709551615,\"b\":true,"
		      "\"l\":[\"a\",\"b\"],\"m\":{\"k\":\"v\"},\"bad\":[\"a\",1]}",
		      &o),
		0);
	assert_int_equal(json_get_str(o, "n", &s), 0);
	assert_int_equal(json_get_str(o, "none", &s), 0);
	assert_string_equal(s, "unset");
	assert_int_equal(json_get_str(o, "s", &s), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_str(o, "i", &s), -CE_BAD_FORMAT);
	assert_int_equal(json_get_i64(o, "i", &i), 0);
	assert_int_equal(i, -1);
	assert_int_equal(json_get_i64(o, "u", &i), -CE_BAD_FORMAT);
	assert_int_equal(json_get_u64(o, "i", &u), -CE_BAD_FORMAT);
	assert_int_equal(u, 6);
	assert_int_equal(json_get_u64(o, "u", &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(json_get_bool(o, "b", &b), 0);
	assert_true(b);
	assert_int_equal(json_get_strv(o, "bad", &list), -CE_BAD_FORMAT);
	assert_int_equal(list.n, 0);
	assert_int_equal(json_get_strv(o, "l", &list), 0);
	assert_int_equal(json_get_map(o, "m", &list), 0);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.v[2], "k=v");
	assert_int_equal(json_get_map(o, "l", &list), -CE_BAD_FORMAT);
	assert_int_equal(json_get_str(NULL, "s", &s), -CE_BAD_FORMAT);
}

static void a_map_is_sorted_and_the_later_of_one_key_counts(void **state)
{
	AUTO_STRV struct strv list = STRV_INIT;
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	(void)state;
	strv_split(&list, "b=1 a=x=y b=2 c", ' ');
	AUTO_JSON struct json_object *o = json_from_map(&list);

	json_write(o, false, &out);
	assert_string_equal(out.s, "{\"a\":\"x=y\",\"b\":\"2\",\"c\":\"\"}");
}

static void output_escapes_what_a_terminal_would_obey(void **state)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	(void)state;
	json_set_str(o, "t", "\x1b]0;x\x07 \x7f \xc2\x9b \xe2\x80\xae \x9b");
	json_write(o, true, &out);
	assert_string_equal(
		out.s, "{\n    \"t\": \"\\u001b]0;x\\u0007 \\u007f \\u009b \\u202e \\ufffd\"\n}");
}

/* Plain bytes are passed over eight at a time: every byte, at every place of such a group. */
static void strings_end_where_they_end(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < 20; at++) {
			char text[32] = "\"aaaaaaaaaaaaaaaaaaaa\"", want[32];
			struct json_scan s;
			int r;

			text[1 + at] = (char)c;
			json_scan_init(&s, text, 22);
			r = json_scan_string(&s);
			(void)snprintf(want, sizeof(want), "%.*s", c == '"' ? (int)at : 20,
				       text + 1);
			if (c < 0x20 || c >= 0x80 || c == '\\')
				assert_int_equal(r, -CE_BAD_FORMAT);
			else
				assert_int_equal(r, 0);
			if (r == 0) {
				assert_string_equal(s.text.s, want);
				assert_ptr_equal(s.p, text + strlen(want) + 2);
			}
			json_scan_done(&s);
			err_drop();
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_survive_reading_and_writing),
		cmocka_unit_test(what_is_not_strict_json_is_refused),
		cmocka_unit_test(strings_end_where_they_end),
		cmocka_unit_test(nesting_ends_at_the_limit),
		cmocka_unit_test(members_have_the_type_that_was_asked_for),
		cmocka_unit_test(a_map_is_sorted_and_the_later_of_one_key_counts),
		cmocka_unit_test(output_escapes_what_a_terminal_would_obey),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
