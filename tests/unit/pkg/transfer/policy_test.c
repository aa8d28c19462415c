/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
	assert_int_equal(policy_find_file(&p, "dir", NULL)->v[0].kind, POLICY_ACCEPT);
	assert_null(policy_find_file(&p, "oci", NULL)->transport);
	policy_done(&p);
}

/* The longest path that has a scope counts; Docker's archives have but one. */
static void scopes_of_files(void **state)
{
	static const char text[] =
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{"
		"\"oci\":{\"/srv/good\":[{\"type\":\"insecureAcceptAnything\"}],"
		"\"/srv/good/not\":[{\"type\":\"reject\"}]},"
		"\"dir\":{\"\":[{\"type\":\"insecureAcceptAnything\"}],\"/x\":[{\"type\":\"reject\"}]},"
		"\"docker-archive\":{\"/x\":[{\"type\":\"insecureAcceptAnything\"}]}}}";
	static const struct {
		const char *transport, *path;
		enum policy_kind kind;
	} cases[] = {
		{"oci", "/srv/good", POLICY_ACCEPT},   {"oci", "/srv/good/a/b", POLICY_ACCEPT},
		{"oci", "/srv/good/not", POLICY_REJECT}, {"oci", "/srv/good/not/x", POLICY_REJECT},
		{"oci", "/srv/goods", POLICY_REJECT},  {"oci", "/", POLICY_REJECT},
		{"oci", NULL, POLICY_REJECT},          {"dir", "/y", POLICY_ACCEPT},
		{"dir", "/x/y", POLICY_REJECT},        {"dir", NULL, POLICY_ACCEPT},
		{"docker-archive", "/x", POLICY_REJECT}, {"oci-archive", "/srv/good", POLICY_REJECT},
	};
	struct policy p = {0};

	(void)state;
	assert_int_equal(policy_parse(text, sizeof(text) - 1, &p), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (policy_find_file(&p, cases[i].transport, cases[i].path)->v[0].kind !=
		    cases[i].kind)
			fail_msg("%s:%s", cases[i].transport, cases[i].path);
	policy_done(&p);
}

#define GPG "\"type\":\"signedBy\",\"keyType\":\"GPGKeys\","
#define STORE "\"type\":\"sigstoreSigned\","
#define ID(words) ",\"signedIdentity\":{" words "}"

/* images: T1 */
static void every_key_of_a_requirement(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		size_t paths, keys;
		enum policy_identity identity;
		enum policy_signer signer;
	} rows[] = {
		{GPG "\"keyPath\":\"/a\"", true, 1, 0, IDENTITY_DIGEST_OR_EXACT, SIGNER_KEY},
		{GPG "\"keyPaths\":[\"/a\",\"/b\"]", true, 2, 0, IDENTITY_DIGEST_OR_EXACT, SIGNER_KEY},
		{GPG "\"keyData\":\"eA==\"", true, 0, 1, IDENTITY_DIGEST_OR_EXACT, SIGNER_KEY},
		{GPG "\"keyDatas\":[\"eA==\"]", false, 0, 0, 0, 0},
		{GPG "\"keyPaths\":[]", false, 0, 0, 0, 0},
		{GPG "\"keyPath\":\"/a\",\"keyPaths\":[\"/b\"]", false, 0, 0, 0, 0},
		{GPG "\"keyData\":\"!\"", false, 0, 0, 0, 0},
		{GPG "\"keyPath\":7", false, 0, 0, 0, 0},
		{GPG "\"keyPath\":\"/a\",\"fulcio\":{}", false, 0, 0, 0, 0},
		{"\"type\":\"signedBy\",\"keyPath\":\"/a\"", false, 0, 0, 0, 0},
		{"\"type\":\"signedBy\",\"keyType\":\"X509Certificates\",\"keyPath\":\"/a\"", false, 0, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\"", true, 1, 0, IDENTITY_DIGEST_OR_EXACT, SIGNER_KEY},
		{STORE "\"keyPaths\":[\"/a\",\"/b\"]", true, 2, 0, IDENTITY_DIGEST_OR_EXACT, SIGNER_KEY},
		{STORE "\"keyDatas\":[\"eA==\",\"eQ==\"]", true, 0, 2, IDENTITY_DIGEST_OR_EXACT, SIGNER_KEY},
		{STORE "\"keyPath\":\"/a\",\"keyDatas\":[\"eA==\"]", false, 0, 0, 0, 0},
		{STORE "\"keyType\":\"GPGKeys\",\"keyPath\":\"/a\"", false, 0, 0, 0, 0},
		{STORE "\"fulcio\":{\"caPath\":\"/a\",\"oidcIssuer\":\"b\",\"subjectEmail\":\"c\"},\"rekorPublicKeyPath\":\"/r\"", true, 0, 0, 0, SIGNER_FULCIO},
		{STORE "\"fulcio\":{\"caData\":\"eA==\",\"oidcIssuer\":\"b\",\"subjectEmail\":\"c\"},\"rekorPublicKeyPath\":\"/r\"", true, 0, 0, 0, SIGNER_FULCIO},
		{STORE "\"fulcio\":{\"caPath\":\"/a\",\"oidcIssuer\":\"b\",\"subjectEmail\":\"c\"}", false, 0, 0, 0, 0},
		{STORE "\"fulcio\":{\"oidcIssuer\":\"b\",\"subjectEmail\":\"c\"},\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"fulcio\":{\"caPath\":\"/a\",\"subjectEmail\":\"c\"},\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"fulcio\":{\"caPath\":\"/a\",\"oidcIssuer\":\"b\"},\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"fulcio\":{\"caPath\":\"/a\",\"oidcIssuer\":\"\",\"subjectEmail\":\"c\"},\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"fulcio\":{\"caPath\":\"/a\",\"oidcIssuer\":\"b\",\"subjectEmail\":\"c\",\"caData\":\"eA==\"},\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"fulcio\":{\"caPath\":\"/a\",\"oidcIssuer\":\"b\",\"subjectEmail\":\"c\",\"more\":1},\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"fulcio\":{\"caPath\":\"/a\",\"oidcIssuer\":\"b\",\"subjectEmail\":\"c\"},\"keyPath\":\"/a\",\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"pki\":{\"caRootsPath\":\"/a\",\"subjectEmail\":\"b\"}", true, 0, 0, 0, SIGNER_PKI},
		{STORE "\"pki\":{\"caRootsData\":\"eA==\",\"caIntermediatesPath\":\"/b\",\"subjectHostname\":\"c\"}", true, 0, 0, 0, SIGNER_PKI},
		{STORE "\"pki\":{\"caRootsPath\":\"/a\"}", false, 0, 0, 0, 0},
		{STORE "\"pki\":{\"subjectEmail\":\"b\"}", false, 0, 0, 0, 0},
		{STORE "\"pki\":{\"caRootsPath\":\"/a\",\"subjectEmail\":\"\"}", false, 0, 0, 0, 0},
		{STORE "\"pki\":{\"caRootsPath\":\"/a\",\"subjectEmail\":null}", false, 0, 0, 0, 0},
		{STORE "\"pki\":{\"caRootsPath\":\"/a\",\"subjectEmail\":\"b\"},\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"pki\":{}", false, 0, 0, 0, 0},
		{STORE "\"pki\":{\"caRootsPath\":\"/a\",\"subjectEmail\":\"b\"},\"fulcio\":{\"caPath\":\"/a\",\"oidcIssuer\":\"b\",\"subjectEmail\":\"c\"},\"rekorPublicKeyPath\":\"/r\"", false, 0, 0, 0, 0},
		{STORE "\"rekorPublicKeyPath\":\"/b\"", false, 0, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\",\"rekorPublicKeyPath\":\"/b\"", true, 1, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\",\"rekorPublicKeyPaths\":[\"/b\"]", true, 1, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\",\"rekorPublicKeyData\":\"eA==\"", true, 1, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\",\"rekorPublicKeyDatas\":[\"eA==\"]", true, 1, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\",\"rekorPublicKeyPath\":\"/b\",\"rekorPublicKeyData\":\"eA==\"", false, 0, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\",\"rekorPublicKeyPaths\":[]", false, 0, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"matchExact\""), true, 1, 0, IDENTITY_EXACT, SIGNER_KEY},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"matchRepoDigestOrExact\""), true, 1, 0, IDENTITY_DIGEST_OR_EXACT, SIGNER_KEY},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"matchRepository\""), true, 1, 0, IDENTITY_REPOSITORY, SIGNER_KEY},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"exactReference\",\"dockerReference\":\"a.b/c:1\""), true, 1, 0,
		 IDENTITY_EXACT_REFERENCE, SIGNER_KEY},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"exactRepository\",\"dockerRepository\":\"a.b/c\""), true, 1, 0,
		 IDENTITY_EXACT_REPOSITORY, SIGNER_KEY},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"remapIdentity\",\"prefix\":\"a.b\",\"signedPrefix\":\"c.d\""), true, 1, 0,
		 IDENTITY_REMAP, SIGNER_KEY},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"remapIdentity\",\"prefix\":\"a.b\""), false, 0, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"exactReference\""), false, 0, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"exactRepository\",\"dockerReference\":\"a.b/c\""), false, 0, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"matchExact\",\"more\":1"), false, 0, 0, 0, 0},
		{STORE "\"keyPath\":\"/a\"" ID("\"type\":\"matchAll\""), false, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1024];
		struct policy p = {0};
		int n = snprintf(text, sizeof(text), "{\"default\":[{%s}]}", rows[i].text);
		int r = policy_parse(text, (size_t)n, &p);
		const struct policy_requirement *q = r == 0 ? p.scopes[0].v : NULL;
		bool same = q ? rows[i].ok && q->keys.paths.n == rows[i].paths &&
					q->keys.n == rows[i].keys && q->identity == rows[i].identity &&
					q->signer == rows[i].signer
			      : !rows[i].ok;

		if (!same)
			fail_msg("%s: %d %s", text, r, r < 0 ? err_trail() : "");
		policy_done(&p);
	}
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
		"    r.io:5000/a:\n        use-sigstore-attachments: true\n"
		"    n.io:\n        lookaside-staging: file:///new-s\n        sigstore: file:///old\n"
		"        sigstore-staging: file:///old-s\n        lookaside: file:///new\n";
	static const char *const bad[] = {"docker:\n\tx:\n",
					  "what:\n  x: y\n",
					  "docker:\n  a:\n    b: c\n",
					  "docker:\n  a: b\n",
					  "docker:\n  a:\n    lookaside: [x]\n",
					  "docker:\n  a:\n    lookaside: x\n    lookaside: y\n",
					  "docker:\n  a:\n    sigstore: x\n    sigstore: y\n",
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
	assert_int_equal(reference_parse("n.io/a:1", &ref), 0);
	for (int write = 0; write < 2; write++) {
		assert_int_equal(lookaside_url(&l, &ref, "sha256:ab", write, &url), 0);
		assert_string_equal(url, write ? "file:///new-s/a@sha256=ab" : "file:///new/a@sha256=ab");
		free(url);
	}
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
		cmocka_unit_test(scopes_of_files),
		cmocka_unit_test(every_key_of_a_requirement),
		cmocka_unit_test(names_in_signatures),
		cmocka_unit_test(lookaside_of_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
