/* SPDX-License-Identifier: MIT */
/* threats: Z04. YAML of strangers: bounded, told where it is wrong, and the same once more as JSON and as YAML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"
#include "pkg/cli/format.h"
#include "pkg/json/json.h"
#include "pkg/json/yaml.h"
#include "tests/unit/fuzz.h"

static void assert_reads(const char *yaml, const char *json)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	if (yaml_parse(yaml, strlen(yaml), &o) < 0)
		fail_msg("%s: %s", yaml, err_trail());
	json_write(o, false, &out);
	assert_string_equal(out.s, json);
}

static void assert_refused(const struct sbuf *in, const char *words)
{
	struct json_object *o = NULL;

	if (yaml_parse(in->s, in->len, &o) != -CE_BAD_FORMAT)
		fail_msg("not refused, though %s: %.60s", words, in->s);
	if (!strstr(err_trail(), words))
		fail_msg("'%s' is not in: %s", words, err_trail());
	assert_null(o);
	err_drop();
}

static void assert_text_refused(const char *s, size_t n, const char *words)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT;

	sbuf_add(&in, s, n);
	assert_refused(&in, words);
}

static void repeat(struct sbuf *to, const char *s, size_t times)
{
	while (times-- > 0)
		sbuf_adds(to, s);
}

static void values_are_of_their_kinds(void **state)
{
	(void)state;
	assert_reads("", "[]");
	assert_reads("b: &b {x: 1, y: 2}\na: {<<: *b, y: 3}\nc: {z: 0, <<: [{x: 4}, *b]}\n",
		     "[{\"b\":{\"x\":1,\"y\":2},\"a\":{\"y\":3,\"x\":1},"
		     "\"c\":{\"z\":0,\"x\":4,\"y\":2}}]");
	assert_reads("'<<': 1\n", "[{\"<<\":1}]");
	assert_reads("# nothing\n---\n---\n", "[]");
	assert_reads("a: 1\n---\nb: [x, 'y', \"z\\n\"]\n",
		     "[{\"a\":1},{\"b\":[\"x\",\"y\",\"z\\n\"]}]");
	assert_reads("[~, null, '', true, FALSE, 'true', yes, nan, .inf]",
		     "[[null,null,\"\",true,false,\"true\",\"yes\",\"nan\",\".inf\"]]");
	assert_reads("[0, -5, 9223372036854775807, 18446744073709551615, 1.10, -1.5e3]",
		     "[[0,-5,9223372036854775807,18446744073709551615,1.10,-1.5e3]]");
	/* Modes of files; and what JSON knows no number for is text. */
	assert_reads("[0644, 0o400, 08, '0644', 007]", "[[420,256,8,\"0644\",7]]");
	assert_reads("[+1, .5, 5., 01.5, 1e, 1.2.3, 0x1f, '-']",
		     "[[\"+1\",\".5\",\"5.\",\"01.5\",\"1e\",\"1.2.3\",\"0x1f\",\"-\"]]");
	assert_reads("[1e400, -1e999, 18446744073709551616, -9223372036854775809]",
		     "[[\"1e400\",\"-1e999\",\"18446744073709551616\",\"-9223372036854775809\"]]");
	assert_reads("1: {true: x}", "[{\"1\":{\"true\":\"x\"}}]");
	assert_reads("a: &x {k: v}\nb: *x\n", "[{\"a\":{\"k\":\"v\"},\"b\":{\"k\":\"v\"}}]");
	assert_reads("\xef\xbb\xbf"
		     "a: |\n  1\n  2\n",
		     "[{\"a\":\"1\\n2\\n\"}]");
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
	static const struct {
		struct fuzz_text in;
		const char *words;
	} rows[] = {
		{FUZZ_TEXT("a: 1\nb: 2\na: 3"), "line 3: a key that stands here twice"},
		{FUZZ_TEXT("{a: {b: 1, 'b': 2}}"), "twice"},
		{FUZZ_TEXT("a: 1\nb: ["), "line "},
		{FUZZ_TEXT("[a]: 1"), "a key that is no text"},
		{FUZZ_TEXT("{? {a: 1} : 2}"), "a key that is no text"},
		{FUZZ_TEXT("x: 1\na: \"b\\0c\""), "line 2: a zero byte"},
		{FUZZ_TEXT("\"b\\0c\": 1"), "a zero byte"},
		{FUZZ_TEXT("a\0b: 1"), "line "},
		{FUZZ_TEXT("a: *nobody"), "line "},
		{FUZZ_TEXT("a: &a [*a]"), "line "},
		{FUZZ_TEXT("a: &a {<<: *a}"), "line "},
		{FUZZ_TEXT("a: {<<: 1}"), "line 1: << of what is no map"},
		{FUZZ_TEXT("a: {<<: {b: 1}, <<: {b: 1}}"), "twice"},
		{FUZZ_TEXT("a: &a [*a, *a, *a]"), "line "},
		{FUZZ_TEXT("&a {x: &b [*a], y: *b}"), "line "},
		{FUZZ_TEXT("a: \xff"), "line "},
		{FUZZ_TEXT("a: \xc0\x80"), "line "},
		{FUZZ_TEXT("a: \xed\xa0\x80"), "line "},
		{FUZZ_TEXT("a: \xf4\x90\x80\x80"), "line "},
		{FUZZ_TEXT("a: \xe4\xbd"), "line "},
		{FUZZ_TEXT("a: \"\\ud800\""), "line "},
		{FUZZ_TEXT("a: \"\\U00110000\""), "line "},
		{FUZZ_TEXT("a: \x01"), "line "},
		{FUZZ_TEXT("a:\n\t- b"), "line "},
		{FUZZ_TEXT("\xff\xfe"
			   "a"),
		 "line "},
		{FUZZ_TEXT("%YAML 9.9\n---\na"), "line "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_text_refused(rows[i].in.p, rows[i].in.n, rows[i].words);
}

static void depth_is_bounded(void **state)
{
	static const char *const open[] = {"[", "{a: ", "- ", "? ", "[{a: ", "!t ["};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		AUTO_SBUF struct sbuf in = SBUF_INIT;

		repeat(&in, open[i], 100000);
		assert_refused(&in, "nested too deep");
	}
	for (size_t n = 64; n <= 65; n++) {
		AUTO_SBUF struct sbuf in = SBUF_INIT;
		AUTO_JSON struct json_object *o = NULL;

		repeat(&in, "[", n);
		sbuf_adds(&in, "1");
		repeat(&in, "]", n);
		if (n == 64)
			assert_int_equal(yaml_parse(in.s, in.len, &o), 0);
		else
			assert_refused(&in, "nested too deep");
	}
}

/* A bomb is one also when it is spread over documents, or made of text. */
static void aliases_are_counted_as_what_they_repeat(void **state)
{
	AUTO_SBUF struct sbuf doc = SBUF_INIT, many = SBUF_INIT, text = SBUF_INIT, key = SBUF_INIT,
			      anchors = SBUF_INIT;
	struct json_object *o = NULL;

	(void)state;
	sbuf_adds(&doc, "---\na: &a [1,1,1,1,1,1,1,1,1,1]\n");
	for (char c = 'b'; c < 'e'; c++) {
		sbuf_addf(&doc, "%c: &%c [", c, c);
		for (int i = 0; i < 10; i++)
			sbuf_addf(&doc, "*%c,", c - 1);
		sbuf_adds(&doc, "]\n");
	}
	assert_int_equal(yaml_parse(doc.s, doc.len, &o), 0);
	(void)json_object_put(o);
	repeat(&many, doc.s, 100);
	assert_refused(&many, "too many values");

	sbuf_adds(&text, "- &t ");
	repeat(&text, "xxxxxxxxxxxxxxxx", 4096);
	repeat(&text, "\n- *t", 2000);
	assert_refused(&text, "too much text");

	sbuf_adds(&key, "- &m {");
	repeat(&key, "k", 1000);
	sbuf_adds(&key, ": 1}");
	repeat(&key, "\n- *m", 90000);
	assert_refused(&key, "too much text");

	for (int i = 0; i < 1001; i++)
		sbuf_addf(&anchors, "- &n%d x\n", i);
	assert_refused(&anchors, "line 1001: too many anchors");
}

static void amounts_are_bounded(void **state)
{
	AUTO_SBUF struct sbuf flat = SBUF_INIT, docs = SBUF_INIT;

	(void)state;
	sbuf_adds(&flat, "[");
	repeat(&flat, "1,", 200001);
	sbuf_adds(&flat, "]");
	assert_refused(&flat, "too many values");
	repeat(&docs, "--- 1\n", 200001);
	assert_refused(&docs, "too many values");
}

static const struct fuzz_text corpus[] = {
	FUZZ_TEXT("apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: \"b\"}}\nspec:\n"
		  "  containers:\n  - name: c\n    image: localhost/x:1\n    command: [sh, -c, 'a "
		  "b']\n"
		  "    env:\n    - {name: A, value: \"1\"}\n    resources: {limits: {memory: 64Mi, "
		  "cpu: 0.5}}\n"),
	FUZZ_TEXT("kind: ConfigMap\ndata:\n  a: |\n    x\n    y\n  b: >-\n    folded\n    text\n"
		  "  c: \"\\u00e4\\U0001f600\\t\\x7f\\x85\\e\"\n---\nkind: Secret\n"),
	FUZZ_TEXT("a: &x [1, -2, 1.5, 1e3, ~, true, 0644]\nb: *x\nc: &y {k: *x}\nd: [*y, *y]\n"),
	FUZZ_TEXT("- - - 1\n  - 2\n- ? a\n  : b\n- !!str 5\n- \"\"\n- {}\n- []\n"),
};
static const struct fuzz_text words[] = {
	FUZZ_TEXT("*x"),      FUZZ_TEXT("&x "),  FUZZ_TEXT("---\n"), FUZZ_TEXT("\n- "),
	FUZZ_TEXT("\n  "),    FUZZ_TEXT(": "),   FUZZ_TEXT("\""),    FUZZ_TEXT("'"),
	FUZZ_TEXT("{"),       FUZZ_TEXT("]"),    FUZZ_TEXT("\\0"),   FUZZ_TEXT("\xff"),
	FUZZ_TEXT("\\ud800"), FUZZ_TEXT("|\n"),  FUZZ_TEXT("1e999"), FUZZ_TEXT("<<: *x\n"),
	FUZZ_TEXT("? "),      FUZZ_TEXT("!!b "), FUZZ_TEXT("\t"),    FUZZ_TEXT("\xe2\x80\xa8"),
	FUZZ_TEXT("-0"),      FUZZ_TEXT("00"),
};

static void assert_sound(struct json_object *o, unsigned depth)
{
	assert_true(depth <= 65);
	if (json_object_is_type(o, json_type_string)) {
		size_t n = (size_t)json_object_get_string_len(o);

		assert_int_equal(strlen(json_object_get_string(o)), n);
		assert_true(utf8_is_valid(json_object_get_string(o), n));
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			assert_sound(json_object_array_get_idx(o, i), depth + 1);
	} else if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, v)
		{
			assert_true(utf8_is_valid(key, strlen(key)));
			assert_sound(v, depth + 1);
		}
	}
}

/* As YAML, by our own printer. */
static void assert_prints_the_same(struct json_object *doc)
{
	AUTO_JSON struct json_object *again = NULL;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	yaml_print(doc, out);
	assert_int_equal(fclose(out), 0);
	if (yaml_parse(text, n, &again) < 0)
		fail_msg("%s: %s", err_trail(), text);
	if (json_object_array_length(again) != 1 ||
	    !json_object_equal(doc, json_object_array_get_idx(again, 0)))
		fail_msg("not the same: %s", text);
	free(text);
}

static void what_is_accepted_means_the_same_again(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT, once = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "yaml", 20000); fuzz_more(&f);) {
		AUTO_JSON struct json_object *a = NULL, *b = NULL;

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		if (yaml_parse(in.s, in.len, &a) < 0) {
			assert_true(*err_trail());
			err_drop();
			continue;
		}
		good++;
		assert_sound(a, 0);
		sbuf_reset(&once);
		json_write(a, false, &once);
		if (json_parse(once.s, once.len, &b) < 0)
			fail_msg("%s: %s", err_trail(), once.s);
		assert_true(json_object_equal(a, b));
		for (size_t i = 0; i < json_object_array_length(a); i++)
			assert_prints_the_same(json_object_array_get_idx(a, i));
	}
	assert_true(good > f.done / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_of_their_kinds),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(aliases_are_counted_as_what_they_repeat),
		cmocka_unit_test(amounts_are_bounded),
		cmocka_unit_test(what_is_accepted_means_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
