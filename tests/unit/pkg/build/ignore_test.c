/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/build/glob.h"
#include "pkg/build/ignore.h"

static void globs_match_as_go_does(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool deep, yes;
	} t[] = {
		{"abc", "abc", 0, 1},
		{"*", "abc", 0, 1},
		{"*c", "abc", 0, 1},
		{"a*", "a", 0, 1},
		{"a*", "ab/c", 0, 0},
		{"a*/b", "abc/b", 0, 1},
		{"a*/b", "a/c/b", 0, 0},
		{"a*b*c*d*e*/f", "axbxcxdxe/f", 0, 1},
		{"a*b*c*d*e*/f", "axbxcxdxexxx/fff", 0, 0},
		{"a*b?c*x", "abxbbxdbxebxczzx", 0, 1},
		{"a*b?c*x", "abxbbxdbxebxczzy", 0, 0},
		{"ab[c]", "abc", 0, 1},
		{"ab[b-d]", "abc", 0, 1},
		{"ab[e-g]", "abc", 0, 0},
		{"ab[^c]", "abc", 0, 0},
		{"ab[^e-g]", "abc", 0, 1},
		{"a\\*b", "a*b", 0, 1},
		{"a\\*b", "ab", 0, 0},
		{"a?b",
		 "a\xe2\x98\xba"
		 "b",
		 0, 1},
		{"a[^a]b",
		 "a\xe2\x98\xba"
		 "b",
		 0, 1},
		{"a???b",
		 "a\xe2\x98\xba"
		 "b",
		 0, 0},
		{"[a-\xce\xb6]*", "\xce\xb1", 0, 1},
		{"a?b", "a/b", 0, 0},
		{"a*b", "a/b", 0, 0},
		{"[\\]a]", "]", 0, 1},
		{"[\\-x]", "-", 0, 1},
		{"[x\\-]", "z", 0, 0},
		{"*x", "xxx", 0, 1},
		{"**", "a/b/c", 1, 1},
		{"**/x", "x", 1, 1},
		{"**/x", "a/b/x", 1, 1},
		{"**/x", "a/bx", 1, 0},
		{"**x", "a/bx", 1, 1},
		{"a/**", "a/b/c", 1, 1},
		{"a/**", "a", 1, 0},
		{"a/**/b", "a/b", 1, 1},
		{"a/**/b", "a/x/y/b", 1, 1},
		{"a/**/b", "axb", 1, 0},
		{"**/*.go", "a/b.go", 1, 1},
		{"**/*.go", "b.go", 1, 1},
		{"a**b", "a/x/b", 1, 1},
		{"**", "a/b", 0, 0},
		{"a.c", "abc", 0, 0},
		{"", "", 0, 1},
		{"", "a", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO(glob_freep) struct glob *g = NULL;

		assert_int_equal(glob_new(t[i].pattern, t[i].deep ? GLOB_DEEP : 0, &g), 0);
		if (glob_match(g, t[i].path) != t[i].yes)
			fail_msg("%s on %s", t[i].pattern, t[i].path);
	}
}

static void malformed_globs_are_usage_errors(void **state)
{
	static const char *const t[] = {"[",       "[^", "[]", "[]a]", "[-]", "[x-]", "[-x]",
					"[a-b-c]", "a[", "[a", "[a-",  "a\\", "[\\"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO(glob_freep) struct glob *g = NULL;

		if (glob_new(t[i], 0, &g) != -CE_USAGE)
			fail_msg("%s was taken", t[i]);
		err_drop();
	}
}

/* Each would take for ever by backtracking. */
static void globs_take_bounded_time(void **state)
{
	static const char *const t[] = {"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
					"**a**a**a**a**a**a**a**a**a**a**a**b",
					"**/a/**/a/**/a/**/a/**/a/**/a/**/b"};
	char path[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = "aaa/"[i % 4];
	path[sizeof(path) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO(glob_freep) struct glob *g = NULL;

		assert_int_equal(glob_new(t[i], GLOB_DEEP, &g), 0);
		assert_false(glob_match(g, path));
	}
}

static struct ignore *rules(const char *text)
{
	struct ignore *g = ignore_new();

	assert_int_equal(ignore_parse(g, ".dockerignore", text, strlen(text)), 0);
	return g;
}

static void last_matching_rule_decides(void **state)
{
	static const struct {
		const char *rules, *path;
		bool yes;
	} t[] = {
		{"", "a", 0},
		{"a", "a", 1},
		{"a", "a/b", 1},
		{"a", "b/a", 0},
		{"/a", "a", 1},
		{"a/", "a/b", 1},
		{"./a/../b", "b", 1},
		{"  a  ", "a", 1},
		{"# a\na", "a", 1},
		{"#a", "#a", 0},
		{" #a", "#a", 1},
		{"*.md\n!README.md", "README.md", 0},
		{"*.md\n!README.md", "x.md", 1},
		{"!README.md\n*.md", "README.md", 1},
		{"*\n!src", "src/a/b", 0},
		{"*\n!src", "lib", 1},
		{"*\n! src ", "src", 0},
		{"src\n!src/keep", "src/keep", 0},
		{"src\n!src/keep", "src/keep/x", 0},
		{"src\n!src/keep", "src/other", 1},
		{"**/*.o", "a/b/c.o", 1},
		{"**/node_modules", "x/node_modules/y/z", 1},
		{"**\n!**/*.go", "a/b.go", 0},
		{"**\n!**/*.go", "a/b.c", 1},
		{"\xef\xbb\xbfx", "x", 1},
		{"a\r\nb\r\n", "b", 1},
		{"a\n\n\nb", "b", 1},
		{"*/temp*", "x/temporary", 1},
		{"*/temp*", "x/y/temporary", 0},
		{"temp?", "tempa", 1},
		{"/", "a", 0},
		{".", "a", 0},
		{"a[0-9]", "a7/x", 1},
		{"../x", "x", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO(ignore_freep) struct ignore *g = rules(t[i].rules);

		if (ignore_has(g, t[i].path) != t[i].yes)
			fail_msg("%s on %s", t[i].rules, t[i].path);
	}
}

static void ignored_directories_are_entered_only_for_a_reason(void **state)
{
	static const struct {
		const char *rules, *path;
		bool yes;
	} t[] = {
		{"*", "a", 0},
		{"*\n!src", "src", 0},
		{"*\n!src", "lib", 0},
		{"*\n!src/a", "src", 1},
		{"*\n!src/a", "lib", 0},
		{"*\n!src/a/b", "src/a", 1},
		{"*\n!src/a/b", "src/c", 0},
		{"*\n!**/x", "lib/y", 1},
		{"*\n!s*/x", "src", 1},
		{"*\n!s*/x", "lib", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO(ignore_freep) struct ignore *g = rules(t[i].rules);

		if (ignore_may_hold(g, t[i].path) != t[i].yes)
			fail_msg("%s on %s", t[i].rules, t[i].path);
	}
}

static void bad_rules_name_file_and_line(void **state)
{
	AUTO(ignore_freep) struct ignore *g = ignore_new();

	(void)state;
	assert_int_equal(ignore_parse(g, ".containerignore", "a\n[x\n", 5), -CE_USAGE);
	assert_non_null(strstr(err_trail(), ".containerignore:2: pattern '[x'"));
	assert_int_equal(ignore_parse(g, "f", "!", 1), -CE_USAGE);
	err_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_as_go_does),
		cmocka_unit_test(malformed_globs_are_usage_errors),
		cmocka_unit_test(globs_take_bounded_time),
		cmocka_unit_test(last_matching_rule_decides),
		cmocka_unit_test(ignored_directories_are_entered_only_for_a_reason),
		cmocka_unit_test(bad_rules_name_file_and_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
