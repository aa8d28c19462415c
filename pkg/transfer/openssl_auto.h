/* SPDX-License-Identifier: MIT */
/* OpenSSL's objects by AUTO() (pkg/base/auto.h); what is NULL is none. */
#pragma once
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static inline void bio_freep(BIO **b)
{
	BIO_free(*b);
}

static inline void pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static inline void digest_context_freep(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

static inline void x509_freep(X509 **x)
{
	X509_free(*x);
}

/** openssl_freep() - memory that OpenSSL allocated. */
static inline void openssl_freep(void *p)
{
	OPENSSL_free(*(void **)p);
}
