/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/cosign_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/transfer/secretbox.h"

/* cosign asks for 32 or 64 MiB; a file that wants gigabytes is no key. */
#define SCRYPT_BYTES_MAX (256UL << 20)
#define SCRYPT_NUMBER_MAX (1UL << 20)

static const char *const names[] = {"ENCRYPTED SIGSTORE PRIVATE KEY",
				    "ENCRYPTED COSIGN PRIVATE KEY"};

static void wipe(struct sbuf *b)
{
	if (b->s)
		OPENSSL_cleanse(b->s, b->len);
	sbuf_done(b);
}

/* The text between the lines of PEM; 0 when it is none of cosign's. */
static int unwrap(const struct sbuf *pem, struct sbuf *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *begin = xasprintf("-----BEGIN %s-----", names[i]);
		AUTO_FREE char *end = xasprintf("-----END %s-----", names[i]);
		AUTO_SBUF struct sbuf packed = SBUF_INIT;
		const char *from = pem->s ? strstr(pem->s, begin) : NULL, *to;

		if (!from)
			continue;
		from += strlen(begin);
		to = strstr(from, end);
		if (!to)
			return err_new(-CE_BAD_FORMAT, "PEM without an end");
		for (; from < to; from++)
			if (!strchr(" \t\r\n", *from))
				sbuf_add(&packed, from, 1);
		if (packed.len == 0 || base64_decode(packed.s, ret) < 0)
			return err_new(-CE_BAD_FORMAT, "PEM that is not base64");
		return 1;
	}
	return 0;
}

struct box {
	uint64_t n, r, p;
	struct sbuf salt, nonce, text;
};

static void box_done(struct box *b)
{
	sbuf_done(&b->salt);
	sbuf_done(&b->nonce);
	sbuf_done(&b->text);
}

static int bytes_of(struct json_object *o, const char *key, struct sbuf *ret)
{
	const char *s = NULL;
	int r = json_get_str(o, key, &s);

	if (r == 0 && (!s || base64_decode(s, ret) < 0))
		r = err_new(-CE_BAD_FORMAT, "%s", key);
	return r;
}

static int parse(const struct sbuf *text, struct box *b)
{
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *kdf = NULL, *params = NULL, *cipher = NULL;
	const char *kdf_name = NULL, *cipher_name = NULL;
	int r = json_parse(text->s, text->len, &o);

	if (r == 0)
		r = json_get_obj(o, "kdf", &kdf);
	if (r == 0)
		r = json_get_obj(o, "cipher", &cipher);
	if (r == 0 && (!kdf || !cipher))
		r = err_new(-CE_BAD_FORMAT, "kdf, cipher");
	if (r == 0)
		r = json_get_str(kdf, "name", &kdf_name);
	if (r == 0)
		r = json_get_str(cipher, "name", &cipher_name);
	if (r == 0)
		r = json_get_obj(kdf, "params", &params);
	if (r == 0 && (!params || !kdf_name || !cipher_name || strcmp(kdf_name, "scrypt") != 0 ||
		       strcmp(cipher_name, "nacl/secretbox") != 0))
		r = err_new(-CE_UNSUPPORTED, "a key by %.40s and %.40s", kdf_name ? kdf_name : "?",
			    cipher_name ? cipher_name : "?");
	if (r == 0)
		r = json_get_u64(params, "N", &b->n);
	if (r == 0)
		r = json_get_u64(params, "r", &b->r);
	if (r == 0)
		r = json_get_u64(params, "p", &b->p);
	if (r == 0)
		r = bytes_of(kdf, "salt", &b->salt);
	if (r == 0)
		r = bytes_of(cipher, "nonce", &b->nonce);
	if (r == 0)
		r = bytes_of(o, "ciphertext", &b->text);
	if (r == 0 && (b->nonce.len != SECRETBOX_NONCE || b->n > SCRYPT_NUMBER_MAX ||
		       b->r > SCRYPT_NUMBER_MAX || b->p > SCRYPT_NUMBER_MAX || b->p == 0 ||
		       b->n * b->r * b->p > SCRYPT_NUMBER_MAX * 8))
		r = err_new(-CE_LIMIT, "its numbers");
	return r;
}

static int open_box(const struct box *b, const char *passphrase, struct sbuf *ret)
{
	unsigned char key[SECRETBOX_KEY];
	int r = 0;

	if (EVP_PBE_scrypt(passphrase, strlen(passphrase), (const unsigned char *)b->salt.s,
			   b->salt.len, b->n, b->r, b->p, SCRYPT_BYTES_MAX, key, sizeof(key)) != 1)
		return err_new(-CE_BAD_FORMAT, "its numbers");
	r = secretbox_open(key, (const unsigned char *)b->nonce.s, &b->text, ret);
	OPENSSL_cleanse(key, sizeof(key));
	return r == -CE_DENIED ? err_new(r, "another passphrase opens it") : r;
}

/* DER to PEM. */
static int rewrite(const struct sbuf *der, struct sbuf *ret)
{
	const unsigned char *p = (const unsigned char *)der->s;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)der->len);
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	long n = 0;

	if (key && bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		sbuf_add(ret, text, (size_t)n);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return n > 0 ? 0 : err_new(-CE_BAD_FORMAT, "what is in it is no private key");
}

int cosign_key_open(struct sbuf *key, const char *passphrase)
{
	AUTO(wipe) struct sbuf text = SBUF_INIT, der = SBUF_INIT;
	AUTO(box_done)
	struct box b = {.salt = SBUF_INIT, .nonce = SBUF_INIT, .text = SBUF_INIT};
	int r = unwrap(key, &text);

	if (r <= 0)
		return r;
	if (!passphrase)
		return err_new(-CE_DENIED, "the key is encrypted: --sign-passphrase-file or "
					   "COSIGN_PASSWORD has to give the passphrase");
	r = parse(&text, &b);
	if (r == 0)
		r = open_box(&b, passphrase, &der);
	if (r < 0)
		return r;
	wipe(key);
	*key = (struct sbuf)SBUF_INIT;
	return rewrite(&der, key);
}
