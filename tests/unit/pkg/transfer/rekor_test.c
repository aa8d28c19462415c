/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "pkg/archive/hash.h"
#include "pkg/base/auto.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/transfer/pubkey.h"
#include "pkg/transfer/rekor.h"

struct pair {
	struct sbuf secret, public;
};

static void drain(BIO *b, struct sbuf *out)
{
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);

	*out = (struct sbuf)SBUF_INIT;
	sbuf_add(out, p, (size_t)n);
	BIO_free(b);
}

static struct pair make_pair(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
	struct pair p;

	assert_non_null(key);
	assert_int_equal(PEM_write_bio_PrivateKey(a, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(PEM_write_bio_PUBKEY(b, key), 1);
	drain(a, &p.secret);
	drain(b, &p.public);
	EVP_PKEY_free(key);
	return p;
}

static void pair_done(struct pair *p)
{
	sbuf_done(&p->secret);
	sbuf_done(&p->public);
}

static char *sign(const struct pair *p, const char *text)
{
	AUTO_SBUF struct sbuf data = SBUF_INIT, out = SBUF_INIT;

	sbuf_adds(&data, text);
	assert_int_equal(privkey_sign(&p->secret, NULL, &data, &out), 0);
	return base64_encode(out.s, out.len);
}

/* images: T4 */
static void a_promise_is_for_one_signature_by_one_key_of_one_payload(void **state)
{
	struct pair signer = make_pair(), log = make_pair(), other = make_pair();
	AUTO_SBUF struct sbuf payload = SBUF_INIT, signature = SBUF_INIT;
	char hex[65], none[65];
	char *own, *signer64 = base64_encode(signer.public.s, signer.public.len),
		   *other64 = base64_encode(other.public.s, other.public.len);
	const char *signs = "{\"a\":1}", *id = "c0d2";

	(void)state;
	sbuf_adds(&payload, signs);
	own = sign(&signer, signs);
	assert_int_equal(base64_decode(own, &signature), 0);
	hash_sha256_of(payload.s, payload.len, hex);
	memset(none, '0', 64);
	none[64] = '\0';

	struct row {
		const char *what;
		const char *version, *kind, *algorithm, *hash, *content, *key; /* of the entry */
		const struct pair *by;
		const char *id, *told_id, *more; /* signed; as it is handed over; what stands beside */
		int told_time, want;
	} good = {"good", "0.0.1", "hashedrekord", "sha256", hex, own, signer64, &log, id, id, "", 1600000000, 0};
	struct row rows[14];
	unsigned n = 0;
#define ROW(name, field, value, code)  \
	rows[n] = good;                \
	rows[n].what = name;           \
	rows[n].field = value;         \
	rows[n++].want = code
	ROW("good", version, "0.0.1", 0);
	ROW("another version", version, "0.0.2", -CE_DENIED);
	ROW("another kind", kind, "dsse", -CE_DENIED);
	ROW("another algorithm", algorithm, "sha1", -CE_DENIED);
	ROW("another payload", hash, none, -CE_DENIED);
	ROW("another signature", content, "AAAA", -CE_DENIED);
	ROW("no base64", content, "!", -CE_BAD_FORMAT);
	ROW("another key", key, other64, -CE_DENIED);
	ROW("no key", key, "AAAA", -CE_BAD_FORMAT);
	ROW("another log", by, &other, -CE_DENIED);
	ROW("another time", told_time, 1600000001, -CE_DENIED);
	ROW("another id", told_id, "c0d3", -CE_DENIED);
	ROW("an id that is more", told_id, "c0d2\\\",\\\"x\\\":\\\"1", -CE_BAD_FORMAT);
	ROW("words that are not known", more, ",\"x\":1", -CE_BAD_FORMAT);
	for (unsigned i = 0; i < n; i++) {
		AUTO_SBUF struct sbuf body = SBUF_INIT, promised = SBUF_INIT, bundle = SBUF_INIT;
		const struct rekor_claim c = {&payload, &signature, &signer.public};
		const struct row *w = &rows[i];
		AUTO_FREE char *body64 = NULL, *promise = NULL;
		int64_t when = 0;
		int r;

		sbuf_addf(&body,
			  "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"spec\":{\"data\":{\"hash\":{\"algorithm\":\"%s\","
			  "\"value\":\"%s\"}},\"signature\":{\"content\":\"%s\",\"publicKey\":{\"content\":\"%s\"}}}}",
			  w->version, w->kind, w->algorithm, w->hash, w->content, w->key);
		body64 = base64_encode(body.s, body.len);
		sbuf_addf(&promised, "{\"body\":\"%s\",\"integratedTime\":1600000000,\"logID\":\"%s\",\"logIndex\":7}",
			  body64, w->id);
		promise = sign(w->by, promised.s);
		sbuf_addf(&bundle,
			  "{\"SignedEntryTimestamp\":\"%s\",\"Payload\":{\"logIndex\":7,\"body\":\"%s\","
			  "\"integratedTime\":%d,\"logID\":\"%s\"%s}}",
			  promise, body64, w->told_time, w->told_id, w->more);
		r = rekor_check(bundle.s, &log.public, 1, &c, &when);
		if (r != w->want || (r == 0) != (when == 1600000000))
			fail_msg("%s: %d %s", w->what, r, r < 0 ? err_trail() : "");
		/* Cut anywhere it is nothing. */
		for (size_t cut = 0; i == 0 && cut < bundle.len; cut += 7) {
			AUTO_FREE char *part = strndup(bundle.s, cut);

			assert_true(rekor_check(part, &log.public, 1, &c, &when) < 0);
		}
	}
	free(own);
	free(signer64);
	free(other64);
	pair_done(&signer);
	pair_done(&log);
	pair_done(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_promise_is_for_one_signature_by_one_key_of_one_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
