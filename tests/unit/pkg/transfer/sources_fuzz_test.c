/* SPDX-License-Identifier: MIT */
/* Files that say where images come from and what they must show, tables of layers, and certificates: damaged in any way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../fuzz.h"
#include "pkg/base/err.h"
#include "pkg/config/registries.h"
#include "pkg/transfer/certificate.h"
#include "pkg/transfer/chunked_table.h"
#include "pkg/transfer/lookaside.h"
#include "pkg/transfer/policy.h"
#include "pkg/transfer/rekor.h"

#define SHA(c) "sha256:" #c "000000000000000000000000000000000000000000000000000000000000000"
#define BLOB 1000000

static const struct fuzz_text policies[] = {
	FUZZ_TEXT("{\"default\":[{\"type\":\"reject\"}]}"),
	FUZZ_TEXT("{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"a.example/b\":[{\"type\":\"signedBy\","
		  "\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\"}],\"*.example\":[{\"type\":\"sigstoreSigned\",\"keyDatas\":[\"eA==\","
		  "\"eQ==\"],\"rekorPublicKeyPath\":\"/r\",\"signedIdentity\":{\"type\":\"remapIdentity\",\"prefix\":\"a\","
		  "\"signedPrefix\":\"b\"}}]}}}"),
	FUZZ_TEXT("{\"default\":[{\"type\":\"sigstoreSigned\",\"fulcio\":{\"caData\":\"eA==\",\"oidcIssuer\":\"i\","
		  "\"subjectEmail\":\"e\"},\"rekorPublicKeyDatas\":[\"eA==\"]}],\"transports\":{\"dir\":{\"\":[{\"type\":"
		  "\"sigstoreSigned\",\"pki\":{\"caRootsPath\":\"/a\",\"caIntermediatesData\":\"eA==\",\"subjectHostname\":\"h\"}}]}}}"),
};
static const struct fuzz_text policy_words[] = {
	FUZZ_TEXT("\"default\":"),	  FUZZ_TEXT("[]"),	     FUZZ_TEXT("null"),
	FUZZ_TEXT("\"type\":\"reject\""), FUZZ_TEXT("\"pki\":{}"), FUZZ_TEXT("\"keyData\":\"eA==\","),
	FUZZ_TEXT("\\u0000"),		  FUZZ_TEXT("{},"),	     FUZZ_TEXT("\"keyPaths\":[],"),
};

static void check_requirement(const struct policy_requirement *q)
{
	const struct policy_pem *p = q->signer == SIGNER_KEY ? &q->keys : &q->roots;

	if (q->kind == POLICY_ACCEPT)
		fail_msg("what nobody wrote is let in");
	if (q->kind == POLICY_REJECT)
		return;
	assert_true(p->paths.n + p->n > 0);
	assert_true(q->signer != SIGNER_FULCIO || (*q->issuer && *q->email && q->rekor.paths.n + q->rekor.n > 0));
	assert_true(q->signer != SIGNER_PKI || q->email || q->hostname);
	assert_true(q->identity != IDENTITY_REMAP || (*q->named && *q->signed_prefix));
}

/* images: T1 */
static void a_damaged_policy_is_refused_or_demands_something(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "policy", 4000); fuzz_more(&f);) {
		AUTO(policy_done) struct policy p = {0};

		fuzz_mutate(&f, policies, 3, policy_words, 9, &in);
		if (policy_parse(in.s, in.len, &p) < 0) {
			assert_true(*err_trail());
			err_drop();
			continue;
		}
		good++;
		assert_true(p.n > 0 && !p.scopes[0].transport);
		for (unsigned i = 0; i < p.n; i++) {
			assert_true(p.scopes[i].n > 0);
			for (unsigned k = 0; k < p.scopes[i].n; k++)
				check_requirement(&p.scopes[i].v[k]);
		}
	}
	assert_true(good > 100);
}

static const struct fuzz_text confs[] = {
	FUZZ_TEXT("unqualified-search-registries = [\"a.example\", \"b\"]\nshort-name-mode = \"enforcing\"\n[[registry]]\nprefix = "
		  "\"*.example\"\nlocation = \"c.example/d\"\ninsecure = true\n[[registry.mirror]]\nlocation = "
		  "\"m\"\npull-from-mirror = \"tag-only\"\n[aliases]\n\"x\" = \"y.example/x\"\n"),
	FUZZ_TEXT("docker:\n  a.example/b: # ours\n    lookaside: https://s.example/x\n    lookaside-staging: file:///s\n"
		  "default-docker:\n    use-sigstore-attachments: true\n"),
};
static const struct fuzz_text conf_words[] = {
	FUZZ_TEXT("[[registry]]\n"), FUZZ_TEXT("\"\"\""), FUZZ_TEXT("= true\n"), FUZZ_TEXT("\\U0010ffff"),
	FUZZ_TEXT("docker:\n"),	    FUZZ_TEXT("  - "),	FUZZ_TEXT("&a *a"),    FUZZ_TEXT("{a: [b}"),
};

/* images: N2, T5 */
static void damaged_configuration_is_refused_with_words(void **state)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	struct fuzz f;

	(void)state;
	assert_int_equal(reference_parse("a.example/b/c:1", &ref), 0);
	reference_normalise(&ref);
	for (fuzz_begin(&f, "registries", 4000); fuzz_more(&f);) {
		AUTO(registries_done) struct registries r = {0};
		AUTO(lookasides_done) struct lookasides l = {0};
		AUTO_FREE char *url = NULL;

		fuzz_mutate(&f, confs, 2, conf_words, 8, &in);
		if (registries_parse(&r, "x.conf", in.s, in.len) < 0)
			assert_true(*err_trail());
		err_drop();
		if (lookasides_parse(&l, "x.yaml", in.s, in.len) < 0)
			assert_true(*err_trail());
		else if (lookaside_url(&l, &ref, SHA(1), true, &url) == 0)
			assert_non_null(strstr(url, "b/c@sha256=1000"));
		err_drop();
	}
}

static const struct fuzz_text tables[] = {
	FUZZ_TEXT("{\"version\":1,\"entries\":[{\"type\":\"reg\",\"name\":\"a\",\"size\":10,\"offset\":5,\"endOffset\":9,\"digest\":"
		  "\"" SHA(1) "\",\"uid\":7},{\"type\":\"dir\",\"name\":\"d\"}],\"tarSplitDigest\":\"" SHA(9) "\"}"),
	FUZZ_TEXT("{\"version\":1,\"entries\":[{\"type\":\"reg\",\"name\":\"b\",\"size\":7,\"offset\":100000,\"endOffset\":100040,"
		  "\"digest\":\"" SHA(2) "\",\"chunkSize\":3,\"chunkDigest\":\"" SHA(3) "\"},{\"type\":\"chunk\",\"name\":\"b\","
		  "\"offset\":100020,\"chunkSize\":4,\"chunkOffset\":3,\"chunkDigest\":\"" SHA(4) "\"}],\"tarSplitDigest\":\"" SHA(9) "\"}"),
};
static const struct fuzz_text table_words[] = {
	FUZZ_TEXT("9223372036854775807"), FUZZ_TEXT("18446744073709551615"), FUZZ_TEXT("-1"), FUZZ_TEXT("1000000"),
	FUZZ_TEXT("\"chunkType\":\"zeros\","), FUZZ_TEXT("999999"),		     FUZZ_TEXT("0"),  FUZZ_TEXT("../"),
};

/* images: S15 */
static void a_damaged_table_never_leads_out_of_the_blob(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "table", 4000); fuzz_more(&f);) {
		AUTO(chunked_table_done) struct chunked_table t = {0};
		struct chunked_range *v = NULL;
		uint64_t last = 0;
		unsigned n = 0;

		fuzz_mutate(&f, tables, 2, table_words, 8, &in);
		if (chunked_table_parse(in.s, in.len, BLOB, &t) < 0) {
			assert_true(*err_trail());
			err_drop();
			continue;
		}
		good++;
		for (unsigned i = 0; i < t.n_files; i++)
			assert_true(t.files[i].first + t.files[i].n <= t.n_pieces);
		chunked_table_missing(&t, 4, &v, &n);
		assert_true(n <= 4);
		for (unsigned i = 0; i < n; i++) {
			assert_true(v[i].begin >= last && v[i].begin < v[i].end && v[i].end <= BLOB);
			last = v[i].end;
		}
		free(v);
	}
	assert_true(good > 100);
}

static const char certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIB+jCCAaCgAwIBAgIUPWNxSUNqCM9Zvblpw+z7afipMeYwCgYIKoZIzj0EAwIw\n"
	"DDEKMAgGA1UEAwwBcjAgFw0yNjExMjgxMjQyMTJaGA8yMDgxMDgzMTEyNDIxMlow\n"
	"DDEKMAgGA1UEAwwBcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGiCc7GQXeHK\n"
	"DQoIXsjO++PPRYTgLmXyNEhxaCBVbYyFMp/cYodmSHxbeUDSTT7GoJRoJO64jmhb\n"
	"buztzNK915Gjgd0wgdowHQYDVR0OBBYEFCvC1O12Ixs2hzZz3BK2jVACsJs6MB8G\n"
	"A1UdIwQYMBaAFCvC1O12Ixs2hzZz3BK2jVACsJs6MA8GA1UdEwEB/wQFMAMBAf8w\n"
	"LAYDVR0RBCUwI4EObWVAZXhhbXBsZS5vcmeCEWJ1aWxkLmV4YW1wbGUub3JnMBMG\n"
	"A1UdJQQMMAoGCCsGAQUFBwMDMCIGCisGAQQBg78wAQgEFAwSaHR0cHM6Ly9pZC5l\n"
	"eGFtcGxlMCAGCisGAQQBg78wAQEEEmh0dHBzOi8vaWQuZXhhbXBsZTAKBggqhkjO\n"
	"PQQDAgNIADBFAiBEQ3rOrrcU+ey/U2ko9l5ksluUvY6n5erzdc9xqi8pPwIhAMHD\n"
	"hYS4NsKd9zsfqvPk9wGcmhElI+5JL+7lIDJU9d8Q\n"
	"-----END CERTIFICATE-----\n";
static const struct fuzz_text certificates[] = {FUZZ_TEXT(certificate)};
static const struct fuzz_text certificate_words[] = {
	FUZZ_TEXT("-----BEGIN CERTIFICATE-----\n"), FUZZ_TEXT("AAAA"), FUZZ_TEXT("\n\n"), FUZZ_TEXT("//8="),
};

/* As its own root. */
static int look_at(const struct sbuf *pem, const struct sbuf *root, struct sbuf *key)
{
	const struct certificate_claim c = {.leaf = pem,
					    .chain = pem->s,
					    .roots = root,
					    .n_roots = 1,
					    .at = INT64_C(1900000000),
					    .issuer = "https://id.example",
					    .email = "me@example.org",
					    .hostname = "build.example.org"};

	return certificate_check(&c, key);
}

/* images: T4 */
static void a_damaged_certificate_is_for_nobody(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT, whole = SBUF_INIT, key = SBUF_INIT, other = SBUF_INIT;
	const struct rekor_claim c = {&whole, &whole, &whole};
	struct fuzz f;
	int64_t when;

	(void)state;
	sbuf_adds(&whole, certificate);
	assert_int_equal(look_at(&whole, &whole, &key), 0);
	for (fuzz_begin(&f, "certificate", 2000); fuzz_more(&f);) {
		fuzz_mutate(&f, certificates, 1, certificate_words, 4, &in);
		if (!in.len || strlen(in.s) != in.len)
			continue;
		sbuf_reset(&other);
		if (look_at(&in, &whole, &other) == 0) /* it is that one, with something around it */
			assert_string_equal(other.s, key.s);
		err_drop();
		assert_true(rekor_check(in.s, &whole, 1, &c, &when) < 0);
		err_drop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_policy_is_refused_or_demands_something),
		cmocka_unit_test(damaged_configuration_is_refused_with_words),
		cmocka_unit_test(a_damaged_table_never_leads_out_of_the_blob),
		cmocka_unit_test(a_damaged_certificate_is_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
