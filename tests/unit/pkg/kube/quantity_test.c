/* SPDX-License-Identifier: MIT */
/* Quantities of Kubernetes: what is none is refused, what is one never becomes less, and nothing wraps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/kube/internal.h"
#include "tests/unit/fuzz.h"

static void quantities_are_what_they_say(void **state)
{
	static const struct {
		const char *s;
		uint64_t milli;
	} rows[] = {{"0", 0},
		    {"1", 1000},
		    {"0.5", 500},
		    {".5", 500},
		    {"5.", 5000},
		    {"007", 7000},
		    {"500m", 500},
		    {"100m", 100},
		    {"1500m", 1500},
		    {"0.1", 100},
		    {"0.001", 1},
		    {"1e3", 1000000},
		    {"1E3", 1000000},
		    {"5e-1", 500},
		    {"64Mi", 67108864000},
		    {"1.5Gi", 1610612736000},
		    {"1Ki", 1024000},
		    {"1k", 1000000},
		    {"128M", 128000000000},
		    {"1P", 1000000000000000000},
		    {"9e15", 9000000000000000000U},
		    /* a part of a thousandth is one: a limit does not become none */
		    {"0.5m", 1},
		    {"1u", 1},
		    {"1n", 1},
		    {"1e-30", 1},
		    {"1000001u", 1001}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t got = 77;

		if (kube_quantity(rows[i].s, &got) != 0 || got != rows[i].milli)
			fail_msg("'%s': %llu", rows[i].s, (unsigned long long)got);
	}
}

static void what_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"1.2.3",
		"-1",
		"+1",
		" 1",
		"1 ",
		"m",
		"Mi",
		"1mi",
		"1MI",
		"1KiB",
		"1B",
		"1K",
		"1mm",
		"1e",
		"1e+",
		"1e3Mi",
		"1e3m",
		"nan",
		"NaN",
		"inf",
		"INF",
		"-inf",
		"0x10",
		"0X1p3",
		"1,5",
		"1_000",
		"1e999",
		"1e16",
		"9.1e15",
		"10P",
		"1E",
		"1Ei",
		"9999Ti999",
		"\xff",
		"1\xff",
		"99999999999999999999999999999999999999999999999999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint64_t got = 77;

		if (kube_quantity(bad[i], &got) != -EINVAL || got != 77)
			fail_msg("'%s': %llu", bad[i], (unsigned long long)got);
	}
}

/* Digits, a point somewhere, a suffix: reckoned again in whole numbers of a billionth. */
static void random_ones_are_as_reckoned(void **state)
{
	static const struct {
		const char *suffix;
		uint64_t up, down;
	} units[] = {{"", 1, 1},        {"m", 1, 1000},  {"u", 1, 1000000}, {"k", 1000, 1},
		     {"M", 1000000, 1}, {"Ki", 1024, 1}, {"Mi", 1048576, 1}};
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "quantity", 50000); fuzz_more(&f);) {
		uint64_t whole = fuzz_below(&f, 100000), part = fuzz_below(&f, 1000), got = 0;
		size_t u = fuzz_below(&f, ARRAY_LEN(units));
		uint64_t num = (whole * 1000 + part) * units[u].up, want;
		char text[64];

		want = (num + units[u].down - 1) / units[u].down;
		(void)snprintf(text, sizeof(text), "%llu.%03llu%s", (unsigned long long)whole,
			       (unsigned long long)part, units[u].suffix);
		if (kube_quantity(text, &got) != 0 || got != want)
			fail_msg("%s: %llu, not %llu", text, (unsigned long long)got,
				 (unsigned long long)want);
	}
}

static void any_text_is_refused_or_within_bounds(void **state)
{
	static const char letters[] = "0123456789..eE+-mkMGTPiunxX naf";
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "quantity text", 50000); fuzz_more(&f);) {
		size_t n = fuzz_below(&f, 12);
		char text[16] = "";
		uint64_t got = 0;

		for (size_t i = 0; i < n; i++)
			text[i] = letters[fuzz_below(&f, sizeof(letters) - 1)];
		if (kube_quantity(text, &got) == 0) {
			assert_true(got <= 9000000000000000000U);
			assert_true(got == 0 || strpbrk(text, "123456789"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities_are_what_they_say),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(random_ones_are_as_reckoned),
		cmocka_unit_test(any_text_is_refused_or_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
