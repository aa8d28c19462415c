/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/base/strv.h"
#include "pkg/base/wire.h"

static void trail_prepends_what_we_were_doing(void **state)
{
	(void)state;
	assert_int_equal(err_new(-ENOENT, "open %s", "x"), -ENOENT);
	assert_int_equal(err_wrap(-ENOENT, "stop web"), -ENOENT);
	assert_string_equal(err_message(-ENOENT), "stop web: open x: No such file or directory");
	err_drop();
	assert_string_equal(err_message(-CE_NO_IMAGE), "no such image");
	err_new(-EIO, "name \x1b]0;evil\x07");
	assert_null(strchr(err_message(-EIO), 0x1b));
	assert_int_equal(err_exit_status(-CE_CMD_NOT_FOUND), 127);
	assert_int_equal(err_exit_status(-EIO), 125);
}

static void numbers_reject_junk_and_overflow(void **state)
{
	uint64_t v = 7;
	int64_t ns = 7;
	int sig;
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(parse_u64(bad[i], UINT64_MAX, &v) < 0);
	assert_int_equal(v, 7);
	assert_int_equal(parse_size("1.5g", &v), 0);
	assert_int_equal(v, 1536ULL << 20);
	assert_true(parse_size("99999999t", &v) < 0);
	assert_true(parse_size("1x", &v) < 0);
	assert_int_equal(parse_duration("1h2m3.5s", &ns), 0);
	assert_int_equal(ns, 3723500000000LL);
	assert_true(parse_duration("5", &ns) < 0);
	assert_int_equal(parse_signal("sigterm", &sig), 0);
	assert_int_equal(sig, 15);
	assert_int_equal(parse_signal("RTMIN+3", &sig), 0);
	assert_int_equal(sig, 37);
	assert_true(parse_signal("999", &sig) < 0);
	assert_true(parse_signal("0", &sig) < 0);
	assert_true(parse_signal("KILL;x", &sig) < 0);
}

static void paths_clean_lexically(void **state)
{
	static const char *const t[][2] = {
		{"/a//b/./c/", "/a/b/c"},    {"/..", "/"}, {"/a/../..", "/"}, {"a/..", "."},
		{"../a/../../b", "../../b"}, {"", "."},    {"/", "/"},        {"a/b/../c", "a/c"},
		{"/a/../b", "/b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		AUTO_FREE char *got = path_clean(t[i][0]);

		assert_string_equal(got, t[i][1]);
	}
	assert_true(name_is_valid("web-1.x_y"));
	assert_false(name_is_valid("-rf"));
	assert_false(name_is_valid(""));
	assert_false(name_is_valid("a/b"));
	assert_false(name_is_valid("a\nb"));
	assert_true(path_is_within("/a/b", "/a"));
	assert_false(path_is_within("/ab", "/a"));
}

static void times_round_trip(void **state)
{
	char text[CLOCK_TEXT_MAX];
	int64_t ns;

	(void)state;
	clock_format_rfc3339(1700000000120000000LL, text);
	assert_string_equal(text, "2023-11-14T22:13:20.12Z");
	clock_format_rfc3339(1700000000000000000LL, text);
	assert_string_equal(text, "2023-11-14T22:13:20Z");
	clock_format_rfc3339(0, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	clock_format_utc(1700000000123456789LL, text);
	assert_string_equal(text, "2023-11-14T22:13:20.123456789Z");
	assert_int_equal(clock_parse(text, &ns), 0);
	assert_int_equal(ns, 1700000000123456789LL);
	assert_int_equal(clock_parse("2023-11-14T23:13:20+01:00", &ns), 0);
	assert_int_equal(ns, 1700000000000000000LL);
	assert_int_equal(clock_parse("1700000000.5", &ns), 0);
	assert_int_equal(ns, 1700000000500000000LL);
	assert_int_equal(clock_parse("2023-11-14T22:13", &ns), 0);
	assert_int_equal(ns, 1699999980000000000LL);
	assert_int_equal(clock_parse("2023-11-14T22", &ns), 0);
	assert_int_equal(ns, 1699999200000000000LL);
	assert_true(clock_parse("2023-11-14T", &ns) < 0);
	assert_true(clock_parse("2023-11-14T22:13:", &ns) < 0);
	assert_true(clock_parse("yesterday", &ns) < 0);
	assert_true(clock_parse("0002-01-01T00:00:00Z", &ns) < 0);
	assert_true(clock_parse("2262-12-01T00:00:00Z", &ns) < 0);
	assert_int_equal(clock_parse("0001-01-01T00:00:00Z", &ns), 0);
	assert_int_equal(ns, 0);
}

static void time_that_was_typed_is_of_here_without_a_zone(void **state)
{
	int64_t ns;

	(void)state;
	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	assert_int_equal(clock_parse_local("2023-11-14T23:13:20", &ns), 0);
	assert_int_equal(ns, 1700000000000000000LL);
	assert_int_equal(clock_parse_local("2023-07-01 12:00", &ns), 0); /* in summer */
	assert_int_equal(ns, 1688205600000000000LL);
	assert_int_equal(clock_parse_local("2023-11-14T22:13:20Z", &ns), 0);
	assert_int_equal(ns, 1700000000000000000LL);
	assert_int_equal(clock_parse_local("2023-11-14T22:13:20+00:00", &ns), 0);
	assert_int_equal(ns, 1700000000000000000LL);
	assert_int_equal(clock_parse("2023-11-14T22:13:20", &ns), 0);
	assert_int_equal(ns, 1700000000000000000LL);
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void wire_refuses_cut_and_forged_messages(void **state)
{
	struct sbuf b = SBUF_INIT;
	struct wire_reader r;

	(void)state;
	wire_put_u32(&b, 42);
	wire_put_str(&b, "hello");
	wire_put_str(&b, NULL);
	wire_put_u64(&b, UINT64_MAX);
	wire_reader_init(&r, b.s, b.len);
	assert_int_equal(wire_get_u32(&r), 42);
	assert_string_equal(wire_get_str(&r), "hello");
	assert_null(wire_get_str(&r));
	assert_true(wire_get_u64(&r) == UINT64_MAX);
	assert_false(wire_failed(&r));
	for (size_t cut = 0; cut < b.len; cut++) {
		wire_reader_init(&r, b.s, cut);
		(void)wire_get_u32(&r);
		(void)wire_get_str(&r);
		(void)wire_get_str(&r);
		(void)wire_get_u64(&r);
		assert_true(wire_failed(&r));
	}
	b.s[4] = (char)0xf0; /* a length far beyond the end */
	wire_reader_init(&r, b.s, b.len);
	(void)wire_get_u32(&r);
	assert_string_equal(wire_get_str(&r), "");
	assert_true(wire_failed(&r));
	sbuf_done(&b);
}

static void environment_lists_replace_in_place(void **state)
{
	struct strv sv = STRV_INIT;

	(void)state;
	strv_env_set(&sv, "A=1");
	strv_env_set(&sv, "AB=2");
	strv_env_set(&sv, "A=3");
	assert_int_equal(sv.n, 2);
	assert_string_equal(strv_env_get(&sv, "A"), "3");
	assert_null(strv_env_get(&sv, "B"));
	strv_done(&sv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trail_prepends_what_we_were_doing),
		cmocka_unit_test(numbers_reject_junk_and_overflow),
		cmocka_unit_test(paths_clean_lexically),
		cmocka_unit_test(times_round_trip),
		cmocka_unit_test(time_that_was_typed_is_of_here_without_a_zone),
		cmocka_unit_test(wire_refuses_cut_and_forged_messages),
		cmocka_unit_test(environment_lists_replace_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
