/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/transfer/openssl_auto.h"

#define CERTIFICATES_MAX 32
#define ISSUER "1.3.6.1.4.1.57264.1.1" /* its bytes */
#define ISSUER_DER "1.3.6.1.4.1.57264.1.8" /* a UTF8String */

static void certs_freep(STACK_OF(X509) * *s)
{
	sk_X509_pop_free(*s, X509_free);
}

static void store_freep(X509_STORE **s)
{
	X509_STORE_free(*s);
}

static void context_freep(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

/* All certificates in a text; there must be one. */
static int read_certs(const char *pem, size_t n, STACK_OF(X509) * out)
{
	AUTO(bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int)n);
	int had = sk_X509_num(out);
	X509 *x;

	while (bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_num(out) >= CERTIFICATES_MAX || sk_X509_push(out, x) <= 0) {
			X509_free(x);
			return err_new(-CE_LIMIT, "more than %d certificates", CERTIFICATES_MAX);
		}
	}
	ERR_clear_error(); /* the end of it is an error there */
	return sk_X509_num(out) > had ? 0 : err_new(-CE_BAD_FORMAT, "no certificate in PEM");
}

static int read_roots(const struct certificate_claim *c, X509_STORE *store)
{
	AUTO(certs_freep) STACK_OF(X509) *roots = sk_X509_new_null();
	int r = 0;

	for (unsigned i = 0; r == 0 && i < c->n_roots; i++)
		r = read_certs(c->roots[i].s, c->roots[i].len, roots);
	for (int i = 0; r == 0 && i < sk_X509_num(roots); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(roots, i)) != 1)
			r = err_new(-CE_BAD_FORMAT, "a root certificate");
	return r;
}

/* Who may certify for signers of code may not do so by a certificate for something else. */
static int check_usage(X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

	for (int i = 0; i < sk_X509_num(chain) - (sk_X509_num(chain) > 1); i++) {
		uint32_t usage = X509_get_extended_key_usage(sk_X509_value(chain, i));

		if (usage != UINT32_MAX && !(usage & (XKU_CODE_SIGN | XKU_ANYEKU)))
			return err_new(-CE_DENIED, "a certificate that is not for signing code");
	}
	return 0;
}

static int check_chain(const struct certificate_claim *c, X509 *leaf)
{
	AUTO(certs_freep) STACK_OF(X509) *others = sk_X509_new_null();
	AUTO(store_freep) X509_STORE *store = X509_STORE_new();
	AUTO(context_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int r = store && ctx && others ? read_roots(c, store) : -ENOMEM;

	for (unsigned i = 0; r == 0 && i < c->n_intermediates; i++)
		r = read_certs(c->intermediates[i].s, c->intermediates[i].len, others);
	if (r == 0 && c->chain && *c->chain)
		r = read_certs(c->chain, strlen(c->chain), others);
	if (r < 0)
		return r;
	if (X509_STORE_CTX_init(ctx, store, leaf, others) != 1)
		return err_new(-CE_BAD_FORMAT, "a certificate");
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)c->at);
	(void)X509_VERIFY_PARAM_set_flags(
		param, X509_V_FLAG_PARTIAL_CHAIN); /* a root is whom the policy names */
	X509_VERIFY_PARAM_set_auth_level(param, 1);
	if (X509_verify_cert(ctx) != 1)
		return err_new(-CE_DENIED, "the certificate: %s",
			       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	return check_usage(ctx);
}

/* --- for whom ---------------------------------------------------------------------------------- */

static bool is_text(const ASN1_STRING *s, const char *want)
{
	return (size_t)ASN1_STRING_length(s) == strlen(want) &&
	       memcmp(ASN1_STRING_get0_data(s), want, strlen(want)) == 0;
}

/* 1: says @want, 0: is not there; twice is no answer. */
static int check_extension(X509 *x, const char *oid, bool der, const char *want)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int at = X509_get_ext_by_OBJ(x, o, -1), next = at < 0 ? -1 : X509_get_ext_by_OBJ(x, o, at);
	const ASN1_OCTET_STRING *data;
	const unsigned char *p;
	ASN1_UTF8STRING *text;
	bool ok;

	ASN1_OBJECT_free(o);
	if (at < 0)
		return 0;
	data = X509_EXTENSION_get_data(X509_get_ext(x, at));
	if (!der) {
		ok = is_text(data, want);
	} else {
		p = ASN1_STRING_get0_data(data);
		text = d2i_ASN1_UTF8STRING(NULL, &p, ASN1_STRING_length(data));
		ok = text && p == ASN1_STRING_get0_data(data) + ASN1_STRING_length(data) &&
		     is_text(text, want);
		ASN1_UTF8STRING_free(text);
	}
	return ok && next < 0
		       ? 1
		       : err_new(-CE_DENIED, "the certificate is of another issuer of identities");
}

static int check_issuer(X509 *x, const char *want)
{
	int old = check_extension(x, ISSUER, false, want);
	int new = old < 0 ? old : check_extension(x, ISSUER_DER, true, want);

	if (new < 0)
		return new;
	return old + new > 0 ? 0
			     : err_new(-CE_DENIED, "the certificate names no issuer of identities");
}

static int check_email(X509 *x, const char *want)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		found |= g->type == GEN_EMAIL && is_text(g->d.rfc822Name, want);
	}
	GENERAL_NAMES_free(names);
	return found ? 0 : err_new(-CE_DENIED, "the certificate is not for %.200s", want);
}

static int check_host(X509 *x, const char *want)
{
	unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

	return X509_check_host(x, want, 0, flags, NULL) == 1
		       ? 0
		       : err_new(-CE_DENIED, "the certificate is not for %.200s", want);
}

static int take_key(X509 *x, struct sbuf *ret)
{
	AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *key = X509_get0_pubkey(x);
	char *p = NULL;
	long n;

	if (!bio || !key || PEM_write_bio_PUBKEY(bio, key) != 1)
		return err_new(-CE_BAD_FORMAT, "the certificate's key");
	n = BIO_get_mem_data(bio, &p);
	sbuf_add(ret, p, (size_t)n);
	return 0;
}

int certificate_check(const struct certificate_claim *c, struct sbuf *ret_key)
{
	AUTO(bio_freep) BIO *bio = BIO_new_mem_buf(c->leaf->s, (int)c->leaf->len);
	AUTO(x509_freep) X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int r = leaf ? check_chain(c, leaf) : err_new(-CE_BAD_FORMAT, "no certificate in PEM");

	if (r == 0 && c->issuer)
		r = check_issuer(leaf, c->issuer);
	if (r == 0 && c->email)
		r = check_email(leaf, c->email);
	if (r == 0 && c->hostname)
		r = check_host(leaf, c->hostname);
	return r == 0 ? take_key(leaf, ret_key) : r;
}
