/* SPDX-License-Identifier: MIT */
/* threats: Z08. Patterns of ignore files against a matcher that tries every possibility, and their time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/build/glob.h"
#include "pkg/build/ignore.h"
#include "tests/unit/fuzz.h"

static void random_text(struct fuzz *f, const char *alphabet, size_t most, char *out)
{
	size_t n = fuzz_below(f, most);

	for (size_t i = 0; i < n; i++)
		out[i] = alphabet[fuzz_below(f, strlen(alphabet))];
	out[n] = '\0';
}

/* Go's filepath.Match, read literally: '*' any run without '/', '?' one that is none, "[a-b]", "[^a]". */
static bool slow_match(const char *p, const char *s)
{
	bool inverse, hit = false;

	switch (*p) {
	case '\0':
		return !*s;
	case '*':
		while (p[1] == '*')
			p++;
		for (;; s++) {
			if (slow_match(p + 1, s))
				return true;
			if (!*s || *s == '/')
				return false;
		}
	case '?':
		return *s && *s != '/' && slow_match(p + 1, s + 1);
	case '[':
		if (!*s || *s == '/')
			return false;
		p++;
		inverse = *p == '^';
		for (p += inverse; *p != ']'; p++) {
			if (p[1] == '-') {
				hit = hit || (*s >= p[0] && *s <= p[2]);
				p += 2;
			} else {
				hit = hit || *s == *p;
			}
		}
		return hit != inverse && slow_match(p + 1, s + 1);
	default:
		return *s == *p && slow_match(p + 1, s + 1);
	}
}

/* A well-formed pattern, made of pieces. */
static void random_pattern(struct fuzz *f, char *out)
{
	static const char *const pieces[] = {"a",    "b",     "c", "*", "?", "[ab]",
					     "[^a]", "[a-b]", "/", "*", "a*"};
	unsigned n = (unsigned)fuzz_below(f, 8);

	for (*out = '\0'; n > 0; n--)
		strcat(out, pieces[fuzz_below(f, ARRAY_LEN(pieces))]);
}

static void globs_match_as_the_slow_way_does(void **state)
{
	unsigned hits = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "glob", 60000); fuzz_more(&f);) {
		AUTO(glob_freep) struct glob *g = NULL;
		char pattern[128], path[16];

		random_pattern(&f, pattern);
		random_text(&f, "aabc/", sizeof(path), path);
		assert_int_equal(glob_new(pattern, 0, &g), 0);
		if (glob_match(g, path) != slow_match(pattern, path))
			fail_msg("'%s' '%s': %d", pattern, path, glob_match(g, path));
		hits += glob_match(g, path);
	}
	assert_true(hits > f.done / 100);
}

static void any_rules_are_read_and_bounded_in_time(void **state)
{
	static const struct fuzz_text corpus[] = {
		FUZZ_TEXT("# comment\n*.o\n!keep.o\n**/node_modules\na/**/b\n/abs\n../up\n"),
		FUZZ_TEXT("**\n!**/*.md\n[a-z]*\n\\*\\!\n  spaced  \r\n\xef\xbb\xbf"),
		FUZZ_TEXT(
			"****************************************a\n*a*a*a*a*a*a*a*a*a*a*a*a*b\n"),
		FUZZ_TEXT("**/**/**/**/**/**/**/**/**/**/x\n!a/b/c/d\n"),
	};
	static const struct fuzz_text words[] = {
		FUZZ_TEXT("**"), FUZZ_TEXT("!"),  FUZZ_TEXT("/"),  FUZZ_TEXT(".."), FUZZ_TEXT("["),
		FUZZ_TEXT("[^"), FUZZ_TEXT("\\"), FUZZ_TEXT("\n"), FUZZ_TEXT("\0"), FUZZ_TEXT("?")};
	static const char *const paths[] = {"a",
					    "a/b/c/d/e/f/g/h",
					    "x.o",
					    "keep.o",
					    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
					    "a/node_modules/b",
					    "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/y"};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "ignore", 10000); fuzz_more(&f);) {
		AUTO(ignore_freep) struct ignore *g = ignore_new();
		double start = fuzz_now();

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		if (ignore_parse(g, "ignore", in.s, in.len) < 0) {
			assert_true(*err_trail());
			err_drop();
			continue;
		}
		good++;
		assert_false(ignore_has(g, ""));
		for (size_t i = 0; i < ARRAY_LEN(paths); i++)
			if (ignore_has(g, paths[i]) && !ignore_may_hold(g, paths[i])) {
				char below[128];

				/* What is passed over as a whole has nothing that is wanted. */
				(void)snprintf(below, sizeof(below), "%s/%s", paths[i],
					       paths[fuzz_below(&f, 4)]);
				assert_true(ignore_has(g, below));
			}
		if (fuzz_now() - start > 5)
			fail_msg("%zu bytes of rules take too long: %s", in.len, in.s);
	}
	assert_true(good > f.done / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_as_the_slow_way_does),
		cmocka_unit_test(any_rules_are_read_and_bounded_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
