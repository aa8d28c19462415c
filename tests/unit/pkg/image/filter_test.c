/* SPDX-License-Identifier: MIT */
/* What a pattern of `images` means, times of filters, sizes for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/cli/filter.h"
#include "pkg/image/filter.h"
#include "pkg/image/tag.h"

static void patterns_match_whole_parts(void **state)
{
	static const struct {
		const char *reference, *pattern;
		bool hit;
	} rows[] = {
		{"docker.io/library/debian:12", "docker.io/library/debian:12", true},
		{"docker.io/library/debian:12", "docker.io/library/debian", true},
		{"docker.io/library/debian:12", "library/debian", true},
		{"docker.io/library/debian:12", "library/debian:12", true},
		{"docker.io/library/debian:12", "debian", true},
		{"docker.io/library/debian:12", "debian:1?", true},
		{"docker.io/library/debian:12", "deb*", true},
		{"docker.io/library/debian:12", "*/debian", true},
		{"docker.io/library/debian:12", "debian:13", false},
		{"docker.io/library/debian:12", "debia", false},
		{"docker.io/library/debian:12", "docker.io", false},
		{"docker.io/library/debian:12", "docker.io/*", false}, /* * stops at a slash */
		{"localhost:5000/x:1", "localhost:5000/x", true},
		{"localhost:5000/x:1", "localhost", false}, /* a port is no tag */
		{"localhost:5000/x:1", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(image_name_matches(rows[i].reference, rows[i].pattern),
				 rows[i].hit);
}

static void new_names_are_local(void **state)
{
	static const char *const rows[][2] = {
		{"x", "localhost/x:latest"},
		{"a/b:1", "localhost/a/b:1"},
		{"docker.io/library/x", "docker.io/library/x:latest"},
		{"quay.io/a/b:2", "quay.io/a/b:2"},
	};
	char *name = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(image_tag_name(rows[i][0], &name), 0);
		assert_string_equal(name, rows[i][1]);
		freep(&name);
	}
	assert_int_equal(
		image_tag_name("x@sha256:"
			       "0123456789012345678901234567890123456789012345678901234567890123",
			       &name),
		-CE_USAGE);
	assert_int_equal(image_tag_name("UPPER", &name), -CE_USAGE);
	assert_null(name);
	err_drop();
}

static void times_are_instants_or_spans(void **state)
{
	int64_t at = 0, now = clock_now_ns();

	(void)state;
	assert_int_equal(filter_time("2024-01-02", &at), 0);
	assert_true(at == 1704153600 * NS_PER_S);
	assert_int_equal(filter_time("1704153600", &at), 0);
	assert_true(at == 1704153600 * NS_PER_S);
	assert_int_equal(filter_time("1h", &at), 0);
	assert_true(at >= now - 3600 * NS_PER_S && at < now - 3500 * NS_PER_S);
	assert_true(filter_time("tomorrow", &at) < 0);
	assert_true(filter_time("", &at) < 0);
}

static void sizes_have_three_or_four_digits(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text, *word, *word3;
	} rows[] = {
		{0, "0 B", "0B", "0B"},
		{999, "999 B", "999B", "999B"},
		{1000, "1 kB", "1kB", "1kB"},
		{4531400, "4.53 MB", "4.531MB", "4.53MB"},
		{123456789, "123 MB", "123.5MB", "123MB"},
		{999400, "999 kB", "999.4kB", "999kB"},
		{999500, "1 MB", "999.5kB", "1MB"},
		{999960, "1 MB", "1MB", "1MB"},
		{1000000000, "1 GB", "1GB", "1GB"},
		{UINT64_MAX, "18.4 EB", "18.45EB", "18.4EB"},
	};
	char text[SIZE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_format(rows[i].bytes, text);
		assert_string_equal(text, rows[i].text);
		size_format_word(rows[i].bytes, text);
		assert_string_equal(text, rows[i].word);
		size_format_word3(rows[i].bytes, text);
		assert_string_equal(text, rows[i].word3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_whole_parts),
		cmocka_unit_test(new_names_are_local),
		cmocka_unit_test(times_are_instants_or_spans),
		cmocka_unit_test(sizes_have_three_or_four_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
