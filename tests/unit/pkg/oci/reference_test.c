/* SPDX-License-Identifier: MIT */
/* threats: G09, Z05 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/reference.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* images: N1, R10 */
static void names_become_full_references(void **state)
{
	static const char *const t[][2] = {
		{"debian", "docker.io/library/debian:latest"},
		{"debian:12", "docker.io/library/debian:12"},
		{"grafana/loki", "docker.io/grafana/loki:latest"},
		{"docker.io/debian", "docker.io/library/debian:latest"},
		{"index.docker.io/debian", "docker.io/library/debian:latest"},
		{"localhost/x", "localhost/x:latest"},
		{"localhost:5000/a/b:T1", "localhost:5000/a/b:T1"},
		{"[::1]:5000/x", "[::1]:5000/x:latest"},
		{"Host/x", "Host/x:latest"},
		{"quay.io/a__b/c-d---e.f", "quay.io/a__b/c-d---e.f:latest"},
		{"x@sha256:" A64, "docker.io/library/x@sha256:" A64},
		{"x:t@sha256:" A64, "docker.io/library/x:t@sha256:" A64},
		{"a:5000", "docker.io/library/a:5000"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO(reference_done) struct reference r = {0};
		AUTO_FREE char *text = NULL;

		assert_int_equal(reference_parse(t[i][0], &r), 0);
		reference_normalise(&r);
		text = reference_text(&r);
		assert_string_equal(text, t[i][1]);
	}
}

/* images: N1 */
static void malformed_names_are_usage_errors(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"a/",
		"/a",
		"a//b",
		"A",
		"a:",
		"a:-x",
		"a:.x",
		"a b",
		"a\n",
		"a..b",
		"a._b",
		"a___b",
		"-a",
		"a-",
		"a/B",
		"../x",
		"a/../b",
		".",
		"-rf",
		"a@",
		"a@sha256:"
		"abc",
		"a@md5:" A64,
		"a@sha256:" A64 "a",
		"a@sha256:../" A64,
		A64,
		"host.:1/x",
		"host:0/x",
		"host:99999/x",
		"h.x:/y",
		"[::1/x",
		"a@sha512:" A64,
		"a:\xc3\xa4",
		"a@sha256:AAAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"http://x/y",
	};
	AUTO_FREE char *long_tag = xasprintf("a:%0129d", 0), *long_name = xasprintf("%0256d", 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct reference r = {0};

		if (reference_parse(bad[i], &r) != -CE_USAGE)
			fail_msg("'%s' was accepted", bad[i]);
		assert_null(r.path);
	}
	for (int i = 0; i < 2; i++) {
		struct reference r = {0};

		assert_int_equal(reference_parse(i ? long_tag : long_name, &r), -CE_USAGE);
	}
	err_drop();
}

static void digests_have_one_spelling(void **state)
{
	(void)state;
	assert_true(digest_is_valid("sha256:" A64));
	assert_true(digest_is_valid("sha512:" A64 A64));
	assert_false(digest_is_valid("sha512:" A64));
	assert_false(digest_is_valid("sha256:" A64 A64));
	assert_false(digest_is_valid("SHA256:" A64));
	assert_false(digest_is_valid("sha256:" A64 "\n"));
	assert_false(digest_is_valid(A64));
	assert_false(digest_is_valid("sha256:"));
	assert_string_equal(digest_hex("sha256:" A64), A64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_full_references),
		cmocka_unit_test(malformed_names_are_usage_errors),
		cmocka_unit_test(digests_have_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
