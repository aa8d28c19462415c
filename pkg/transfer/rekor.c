/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/rekor.h"

#include <openssl/pem.h>
#include <string.h>

#include "pkg/archive/hash.h"
#include "pkg/base/auto.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/transfer/openssl_auto.h"
#include "pkg/transfer/pubkey.h"

/* The log's entry, as far as the promise is about it. */
struct entry {
	const char *body; /* base64 */
	const char *log_id; /* hex */
	int64_t time, index;
};

static bool is_hex(const char *s)
{
	return *s && s[strspn(s, "0123456789abcdef")] == '\0';
}

static int parse_entry(struct json_object *o, struct entry *e)
{
	int r = json_get_str(o, "body", &e->body);

	if (r == 0)
		r = json_get_str(o, "logID", &e->log_id);
	if (r == 0)
		r = json_get_i64(o, "integratedTime", &e->time);
	if (r == 0)
		r = json_get_i64(o, "logIndex", &e->index);
	if (r < 0)
		return r;
	/* Words that are not known would be missing in what is verified, and all others go in as they are. */
	if (json_object_object_length(o) != 4 || !e->body || !e->log_id || !is_hex(e->log_id) ||
	    e->time <= 0 || e->index < 0)
		return err_new(-CE_BAD_FORMAT, "an entry of a log that is incomplete");
	return 0;
}

/* The canonical form (RFC 8785) of the entry is what the log signs; its strings want no escapes. */
static int check_promise(const struct entry *e, const char *promise, const struct sbuf *keys,
			 unsigned n_keys)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT, signature = SBUF_INIT;
	int r = err_new(-CE_DENIED, "no key of a log");

	if (base64_decode(promise, &signature) < 0)
		return err_new(-CE_BAD_FORMAT, "a promise of a log that is not base64");
	sbuf_addf(&text,
		  "{\"body\":\"%s\",\"integratedTime\":%lld,\"logID\":\"%s\",\"logIndex\":%lld}",
		  e->body, (long long)e->time, e->log_id, (long long)e->index);
	for (unsigned i = 0; i < n_keys && r < 0; i++)
		r = pubkey_verify(&keys[i], &text, &signature);
	return r < 0 ? err_new(-CE_DENIED, "no promise by a log that counts") : 0;
}

static int der_of(const void *pem, size_t n, struct sbuf *ret)
{
	AUTO(bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int)n);
	AUTO(openssl_freep) char *name = NULL, *header = NULL;
	AUTO(openssl_freep) unsigned char *data = NULL;
	long len = 0;

	if (!bio || PEM_read_bio(bio, &name, &header, &data, &len) != 1)
		return err_new(-CE_BAD_FORMAT, "not PEM");
	sbuf_add(ret, data, (size_t)len);
	return 0;
}

static bool same(const struct sbuf *a, const struct sbuf *b)
{
	return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

static int check_verifier(const char *content, const struct rekor_claim *c)
{
	AUTO_SBUF struct sbuf pem = SBUF_INIT, logged = SBUF_INIT, ours = SBUF_INIT;
	int r;

	if (base64_decode(content, &pem) < 0)
		return err_new(-CE_BAD_FORMAT, "a key in a log that is not base64");
	r = der_of(pem.s, pem.len, &logged);
	if (r == 0)
		r = der_of(c->verifier->s, c->verifier->len, &ours);
	if (r == 0 && !same(&logged, &ours))
		r = err_new(-CE_DENIED, "the log has it by another key");
	return r;
}

/* One step down, of what must be there. */
static int into(struct json_object *o, const char *key, struct json_object **ret)
{
	int r = json_get_obj(o, key, ret);

	return r == 0 && !*ret ? err_new(-CE_BAD_FORMAT, "no \"%s\" in the log's entry", key) : r;
}

static int check_words(struct json_object *o, const char *const *keys, const char *const *want,
		       unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const char *s = NULL;
		int r = json_get_str(o, keys[i], &s);

		if (r < 0)
			return r;
		if (!s || strcmp(s, want[i]) != 0)
			return err_new(-CE_DENIED, "the log's entry has another %s", keys[i]);
	}
	return 0;
}

static int check_signature(struct json_object *spec, const struct rekor_claim *c)
{
	AUTO_SBUF struct sbuf bytes = SBUF_INIT;
	struct json_object *signature = NULL, *key = NULL;
	const char *content = NULL, *pem = NULL;
	int r = into(spec, "signature", &signature);

	if (r == 0)
		r = json_get_str(signature, "content", &content);
	if (r == 0)
		r = into(signature, "publicKey", &key);
	if (r == 0)
		r = json_get_str(key, "content", &pem);
	if (r < 0)
		return r;
	if (!content || !pem || base64_decode(content, &bytes) < 0)
		return err_new(-CE_BAD_FORMAT, "an entry of a log that is incomplete");
	if (!same(&bytes, c->signature))
		return err_new(-CE_DENIED, "the log has another signature");
	return check_verifier(pem, c);
}

static int check_body(const char *text, const struct rekor_claim *c)
{
	static const char *const kind_keys[] = {"apiVersion", "kind"}, *const kind[] = {
									       "0.0.1",
									       "hashedrekord"};
	static const char *const hash_keys[] = {"algorithm", "value"};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *spec = NULL, *data = NULL, *hash = NULL;
	char hex[65];
	int r;

	if (base64_decode(text, &body) < 0)
		return err_new(-CE_BAD_FORMAT, "an entry of a log that is not base64");
	r = json_parse(body.s, body.len, &o);
	if (r == 0 && !json_object_is_type(o, json_type_object))
		r = err_new(-CE_BAD_FORMAT, "an entry of a log that is no object");
	if (r == 0)
		r = check_words(o, kind_keys, kind, 2);
	if (r == 0)
		r = into(o, "spec", &spec);
	if (r == 0)
		r = into(spec, "data", &data);
	if (r == 0)
		r = into(data, "hash", &hash);
	if (r < 0)
		return r;
	hash_sha256_of(c->payload->s, c->payload->len, hex);
	r = check_words(hash, hash_keys, (const char *const[]){"sha256", hex}, 2);
	return r == 0 ? check_signature(spec, c) : r;
}

int rekor_check(const char *bundle, const struct sbuf *keys, unsigned n_keys,
		const struct rekor_claim *c, int64_t *ret_time)
{
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *payload = NULL;
	struct entry e = {0};
	const char *promise = NULL;
	int r = json_parse(bundle, strlen(bundle), &o);

	if (r == 0 && !json_object_is_type(o, json_type_object))
		r = err_new(-CE_BAD_FORMAT, "a log's bundle that is no object");
	if (r == 0)
		r = json_get_str(o, "SignedEntryTimestamp", &promise);
	if (r == 0)
		r = into(o, "Payload", &payload);
	if (r == 0)
		r = parse_entry(payload, &e);
	if (r == 0 && !promise)
		r = err_new(-CE_BAD_FORMAT, "no SignedEntryTimestamp");
	if (r == 0)
		r = check_promise(&e, promise, keys, n_keys);
	if (r == 0)
		r = check_body(e.body, c);
	if (r == 0)
		*ret_time = e.time;
	return r;
}
