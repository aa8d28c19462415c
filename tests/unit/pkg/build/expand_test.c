/* SPDX-License-Identifier: MIT */
/* threats: B13, Z07 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/build/expand.h"

static const char *const names[] = {"foo=bar", "empty=", "n=a=b", "sp=x  y",  "path=/a/b/c.tar.gz",
				    "v1=1",    "old=1",  "old=2", "star=a*b", NULL};
static const struct strv vars = {.v = (char **)(uintptr_t)names, .n = ARRAY_LEN(names) - 1};

static void words_expand_as_documented(void **state)
{
	static const char *const t[][2] = {
		{"", ""},
		{"abc", "abc"},
		{"$foo", "bar"},
		{"${foo}", "bar"},
		{"a$foo.b", "abar.b"},
		{"$fooo", ""},
		{"$", "$"},
		{"a$", "a$"},
		{"$ x", "$ x"},
		{"$n", "a=b"},
		{"$old", "2"},
		{"${v1}2", "12"},
		{"$12x", "x"},
		{"\\$foo", "$foo"},
		{"\\\\$foo", "\\bar"},
		{"a\\b", "ab"},
		{"a\\", "a"},
		{"'$foo'", "$foo"},
		{"\"$foo\"", "bar"},
		{"\"\\$foo\"", "$foo"},
		{"\"a\\b\"", "a\\b"},
		{"\"a\\\"b\"", "a\"b"},
		{"'it'\"'\"'s'", "it's"},
		{"\"a'b\"", "a'b"},
		{"${foo:-x}", "bar"},
		{"${no:-x}", "x"},
		{"${no-x}", "x"},
		{"${empty:-x}", "x"},
		{"${empty-x}", ""},
		{"${no:-}", ""},
		{"${no:-$foo}", "bar"},
		{"${no:-${nada:-deep}}", "deep"},
		{"${no:-'a b'}", "a b"},
		{"${no:-\"$foo\"}", "bar"},
		{"${foo:+x}", "x"},
		{"${foo+x}", "x"},
		{"${empty:+x}", ""},
		{"${empty+x}", "x"},
		{"${no+x}", ""},
		{"${foo:?no}", "bar"},
		{"${empty?no}", ""},
		{"${path#*/}", "a/b/c.tar.gz"},
		{"${path##*/}", "c.tar.gz"},
		{"${path%.*}", "/a/b/c.tar"},
		{"${path%%.*}", "/a/b/c"},
		{"${path#nope}", "/a/b/c.tar.gz"},
		{"${path#?a}", "/b/c.tar.gz"},
		{"${no#x}", ""},
		{"${star%\\*b}", "a"},
		{"${path/\\/a/X}", "X/b/c.tar.gz"},
		{"${path/[/X}", "/a/b/c.tar.gz"},
		{"${foo/b/c}", "car"},
		{"${path//a/Z}", "/Z/b/c.tZr.gz"},
		{"${path/b*/Z}", "/a/Z"},
		{"${foo/x/}", "bar"},
		{"${foo//?/z}", "zzz"},
		{"${foo/r/${v1}}", "ba1"},
		{"$foo$v1'$foo'\"$v1\"", "bar1$foo1"},
		{"\xc3\xa9$foo", "\xc3\xa9"
				 "bar"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct expand x = {.escape = '\\', .vars = &vars};
		AUTO_FREE char *got = NULL;

		if (expand_new(&x, t[i][0], &got) < 0 || strcmp(got, t[i][1]) != 0)
			fail_msg("%s: %s, not %s (%s)", t[i][0], got ? got : "-", t[i][1],
				 err_trail());
	}
}

static void what_is_malformed_is_said(void **state)
{
	static const char *const t[][2] = {
		{"${", "missing '}'"},
		{"${foo", "missing '}'"},
		{"${foo:-", "missing '}'"},
		{"${foo/a", "missing '/'"},
		{"${foo/a/b", "missing '}'"},
		{"${}", "bad substitution"},
		{"${:x}", "bad substitution"},
		{"${foo!x}", "not a modifier"},
		{"${foo:x}", "not a modifier"},
		{"${foo:", "not a modifier"},
		{"'a", "single quote"},
		{"\"a", "double quote"},
		{"\"a\\", "double quote"},
		{"${no:?say why}", "no: say why"},
		{"${no?}", "no: is not allowed to be unset"},
		{"${empty:?}", "empty: is not allowed to be empty"},
		{"${foo#\\a}", "escape"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct expand x = {.escape = '\\', .vars = &vars};
		AUTO_FREE char *got = NULL;

		if (expand_new(&x, t[i][0], &got) != -CE_USAGE || !strstr(err_trail(), t[i][1]))
			fail_msg("%s: '%s', not '%s'", t[i][0], err_trail(), t[i][1]);
		assert_null(got);
		err_drop();
	}
}

static void words_split_after_expansion(void **state)
{
	const struct expand x = {.escape = '\\', .vars = &vars};
	AUTO_STRV struct strv w = STRV_INIT;
	AUTO_FREE char *all = NULL;

	(void)state;
	assert_int_equal(expand_words(&x, " 80 $sp \"$sp\" 'a b' a\\ b ", &w), 0);
	all = strv_join(&w, "|");
	assert_string_equal(all, "80|x|y|x  y|a b|a b");
}

static void other_escape_and_raw_quotes(void **state)
{
	const struct expand tick = {.escape = '`', .vars = &vars};
	const struct expand raw = {.escape = '\\', .vars = &vars, .keep_quotes = true};
	AUTO_FREE char *a = NULL, *b = NULL;

	(void)state;
	assert_int_equal(expand_new(&tick, "c:\\x`$foo\\$foo", &a), 0);
	assert_string_equal(a, "c:\\x$foo\\bar");
	assert_int_equal(expand_new(&raw, "it's \"$foo\" \\$foo", &b), 0);
	assert_string_equal(b, "it's \"bar\" $foo");
}

static void names_that_are_not_set_are_collected(void **state)
{
	AUTO_STRV struct strv unset = STRV_INIT;
	const struct expand x = {.escape = '\\', .vars = &vars, .unset = &unset};
	AUTO_FREE char *got = NULL;

	(void)state;
	assert_int_equal(expand_new(&x, "$foo $a ${b:-x} ${c#y} $a", &got), 0);
	assert_int_equal(unset.n, 2);
	assert_string_equal(unset.v[0], "a");
	assert_string_equal(unset.v[1], "c");
}

static void growth_and_depth_have_a_limit(void **state)
{
	static char big[EXPAND_BYTES_MAX / 2], *own[] = {big, NULL};
	const struct strv v = {.v = own, .n = 1};
	const struct expand x = {.escape = '\\', .vars = &v};
	AUTO_SBUF struct sbuf deep = SBUF_INIT, out = SBUF_INIT;

	(void)state;
	memset(big, 'x', sizeof(big));
	memcpy(big, "a=", 2);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(expand_word(&x, "$a$a$a", &out), -CE_LIMIT);
	assert_int_equal(expand_word(&x, "${a//x/$a}", &out), -CE_LIMIT);
	for (int i = 0; i < 20000; i++)
		sbuf_adds(&deep, "${n:-");
	assert_int_equal(expand_word(&x, deep.s, &out), -CE_LIMIT);
	assert_int_equal(out.len, 0);
}

/* Whatever is cut off or changed: an answer, no crash (run under the address sanitizer). */
static void damaged_words_never_crash(void **state)
{
	static const char seed[] = "a${b:-${c##*\\/}'x'\"$d\\\"\"}${e//\\*/${f%?}}$1$@`\\$";
	static const char bytes[] = "$\\{}'\"/:#%*? \x80\xff"
				    "a1";
	struct expand x = {.escape = '\\', .vars = &vars};

	(void)state;
	for (size_t i = 0; i < sizeof(seed) - 1; i++) {
		for (size_t k = 0; k <= sizeof(bytes) - 1; k++) {
			AUTO_SBUF struct sbuf out = SBUF_INIT;
			AUTO_STRV struct strv w = STRV_INIT;
			AUTO_FREE char *s = xstrdup(seed);

			s[i] = bytes[k]; /* the last is the end: a cut */
			x.escape = k % 2 ? '`' : '\\';
			x.keep_quotes = k % 3 == 0;
			(void)expand_word(&x, s, &out);
			(void)expand_words(&x, s, &w);
		}
	}
	err_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_expand_as_documented),
		cmocka_unit_test(what_is_malformed_is_said),
		cmocka_unit_test(words_split_after_expansion),
		cmocka_unit_test(other_escape_and_raw_quotes),
		cmocka_unit_test(names_that_are_not_set_are_collected),
		cmocka_unit_test(growth_and_depth_have_a_limit),
		cmocka_unit_test(damaged_words_never_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
