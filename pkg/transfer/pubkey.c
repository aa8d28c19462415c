/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/pubkey.h"

#include <openssl/pem.h>
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/transfer/openssl_auto.h"

/* Ed25519 hashes by itself. */
static const EVP_MD *digest_for(const EVP_PKEY *key)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
}

int pubkey_verify(const struct sbuf *pem, const struct sbuf *data, const struct sbuf *signature)
{
	AUTO(bio_freep) BIO *bio = BIO_new_mem_buf(pem->s, (int)pem->len);
	AUTO(pkey_freep) EVP_PKEY *key = NULL;
	AUTO(digest_context_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (!key || !c)
		return err_new(-CE_BAD_FORMAT, "not a public key in PEM");
	if (EVP_DigestVerifyInit(c, NULL, digest_for(key), NULL, key) != 1 ||
	    EVP_DigestVerify(c, (const unsigned char *)signature->s, signature->len,
			     (const unsigned char *)data->s, data->len) != 1)
		return err_new(-CE_DENIED, "not signed by a key that counts");
	return 0;
}

static int passphrase_of(char *buf, int size, int writing, void *data)
{
	const char *s = data;
	size_t n = s ? strlen(s) : 0;

	(void)writing;
	if (!s || n > (size_t)size)
		return -1;
	memcpy(buf, s, n);
	return (int)n;
}

int privkey_sign(const struct sbuf *pem, const char *passphrase, const struct sbuf *data,
		 struct sbuf *ret_signature)
{
	AUTO(bio_freep) BIO *bio = BIO_new_mem_buf(pem->s, (int)pem->len);
	AUTO(pkey_freep) EVP_PKEY *key = NULL;
	AUTO(digest_context_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = 0;

	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, passphrase_of,
					      (void *)(uintptr_t)passphrase);
	if (!key || !c)
		return err_new(-CE_BAD_FORMAT, "not a private key in PEM that can be read");
	if (EVP_DigestSignInit(c, NULL, digest_for(key), NULL, key) != 1 ||
	    EVP_DigestSign(c, NULL, &n, (const unsigned char *)data->s, data->len) != 1)
		return err_new(-CE_UNSUPPORTED, "this kind of key");
	sbuf_grow(ret_signature, n);
	if (EVP_DigestSign(c, (unsigned char *)ret_signature->s + ret_signature->len, &n,
			   (const unsigned char *)data->s, data->len) != 1)
		return err_new(-CE_UNSUPPORTED, "this kind of key");
	ret_signature->len += n;
	ret_signature->s[ret_signature->len] = '\0';
	return 0;
}
