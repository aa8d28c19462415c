/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/transfer/lookaside.h"
#include "pkg/transfer/policy.h"

/* images: T1 */
static void the_most_specific_scope_counts(void **state)
{
	static const char text[] =
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{"
		"\"h.example:5000/a/b:1\":[{\"type\":\"reject\"}],\"h.example:5000/a/"
		"b\":[{\"type\":\"reject\"}],"
		"\"h.example:5000/"
		"a\":[{\"type\":\"reject\"}],\"*.example\":[{\"type\":\"reject\"}],"
		"\"*.h.example\":[{\"type\":\"reject\"}],\"\":[{\"type\":\"reject\"}]},"
		"\"dir\":{\"\":[{\"type\":\"insecureAcceptAnything\"}]}}}";
	static const struct {
		const char *name, *scope;
	} cases[] = {
		{"h.example:5000/a/b:1", "h.example:5000/a/b:1"},
		{"h.example:5000/a/b:2", "h.example:5000/a/b"},
		{"h.example:5000/a/bc:1", "h.example:5000/a"},
		{"x.example/a/b:1", "*.example"},
		{"y.h.example/a/b:1", "*.h.example"},
		{"example/a/b:1", ""},
		{"other.org/a:1", ""},
	};
	struct policy p = {0};

	(void)state;
	assert_int_equal(policy_parse(text, sizeof(text) - 1, &p), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reference ref = {0};

		assert_int_equal(reference_parse(cases[i].name, &ref), 0);
		reference_normalise(&ref);
		assert_string_equal(policy_find(&p, &ref)->scope, cases[i].scope);
		reference_done(&ref);
	}
	assert_int_equal(policy_find_transport(&p, "dir")->v[0].kind, POLICY_ACCEPT);
	assert_null(policy_find_transport(&p, "oci")->transport);
	policy_done(&p);
}

static void names_in_signatures(void **state)
{
	static const struct {
		enum policy_identity kind;
		const char *named, *prefix, *asked, *in_signature;
		bool ok;
	} cases[] = {
		{IDENTITY_DIGEST_OR_EXACT, NULL, NULL, "r.io/a:1", "r.io/a:1", true},
		{IDENTITY_DIGEST_OR_EXACT, NULL, NULL, "r.io/a:1", "r.io/a:2", false},
		{IDENTITY_DIGEST_OR_EXACT, NULL, NULL, "r.io/a:1", "r.io/a", false},
		{IDENTITY_DIGEST_OR_EXACT, NULL, NULL, "r.io/a:1", "r.io/b:1", false},
		{IDENTITY_DIGEST_OR_EXACT, NULL, NULL, "r.io/a:1", "a:1", false},
		{IDENTITY_DIGEST_OR_EXACT, NULL, NULL, "r.io/a:1", "", false},
		{IDENTITY_EXACT, NULL, NULL, "r.io/a:1", "r.io/a:1", true},
		{IDENTITY_REPOSITORY, NULL, NULL, "r.io/a:1", "r.io/a", true},
		{IDENTITY_REPOSITORY, NULL, NULL, "r.io/a:1", "r.io/ab", false},
		{IDENTITY_EXACT_REFERENCE, "v.io/x:3", NULL, "r.io/a:1", "v.io/x:3", true},
		{IDENTITY_EXACT_REFERENCE, "v.io/x:3", NULL, "r.io/a:1", "v.io/x:1", false},
		{IDENTITY_EXACT_REPOSITORY, "v.io/x", NULL, "r.io/a:1", "v.io/x:9", true},
		{IDENTITY_REMAP, "r.io/m", "v.io", "r.io/m/x:1", "v.io/x:1", true},
		{IDENTITY_REMAP, "r.io/m", "v.io", "r.io/mm/x:1", "v.io/mm/x:1", false},
		{IDENTITY_REMAP, "r.io/m", "v.io", "r.io/other:1", "r.io/other:1", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_requirement q = {.identity = cases[i].kind,
					       .named = (char *)(uintptr_t)cases[i].named,
					       .signed_prefix = (char *)(uintptr_t)cases[i].prefix};
		struct reference ref = {0};

		assert_int_equal(reference_parse(cases[i].asked, &ref), 0);
		if (policy_identity_matches(&q, &ref, cases[i].in_signature) != cases[i].ok)
			fail_msg("case %zu", i);
		reference_done(&ref);
	}
}

static void lookaside_of_a_name(void **state)
{
	static const char text[] =
		"# ours\ndefault-docker:\n  lookaside: 'https://d.example/s/'\ndocker:\n"
		"    r.io:5000:\n        sigstore: file:///srv # here\n"
		"        sigstore-staging: \"file:///staging\"\n"
		"    r.io:5000/a:\n        use-sigstore-attachments: true\n";
	static const char *const bad[] = {"docker:\n\tx:\n",
					  "what:\n  x: y\n",
					  "docker:\n  a:\n    b: c\n",
					  "docker:\n  a: b\n",
					  "docker:\n  a:\n    lookaside: [x]\n",
					  "docker:\n  a:\n    lookaside: x\n    lookaside: y\n",
					  "x\n",
					  "default-docker:\n  use-sigstore-attachments: yes\n"};
	struct lookasides l = {0};
	struct reference ref = {0};
	char *url = NULL;

	(void)state;
	assert_int_equal(lookasides_parse(&l, "f", text, sizeof(text) - 1), 0);
	assert_int_equal(reference_parse("r.io:5000/b/c:1", &ref), 0);
	assert_int_equal(lookaside_url(&l, &ref, "sha256:ab", false, &url), 0);
	assert_string_equal(url, "file:///srv/b/c@sha256=ab");
	free(url);
	assert_int_equal(lookaside_url(&l, &ref, "sha256:ab", true, &url), 0);
	assert_string_equal(url, "file:///staging/b/c@sha256=ab");
	free(url);
	assert_false(lookaside_attachments(&l, &ref));
	reference_done(&ref);
	assert_int_equal(reference_parse("r.io:5000/a:1", &ref), 0);
	assert_true(lookaside_attachments(&l, &ref));
	reference_done(&ref);
	assert_int_equal(reference_parse("q.io/a:1", &ref), 0);
	assert_int_equal(lookaside_url(&l, &ref, "sha256:ab", true, &url), 0);
	assert_string_equal(url, "https://d.example/s/a@sha256=ab");
	free(url);
	reference_done(&ref);
	lookasides_done(&l);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lookasides none = {0};

		if (lookasides_parse(&none, "f", bad[i], strlen(bad[i])) != -CE_BAD_FORMAT)
			fail_msg("case %zu", i);
		lookasides_done(&none);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_scope_counts),
		cmocka_unit_test(names_in_signatures),
		cmocka_unit_test(lookaside_of_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
