/* SPDX-License-Identifier: MIT */
/*
 * What a URL gave when it was fetched last, so that the server need only say that it is still so (RFC 9110 §13.1):
 * cache/urls/<digest of the URL>. A note is a hint about our own earlier download; of
 * the content only what contexts are made of is kept (url_body.h).
 */
#pragma once
#include "pkg/build/cache.h"

#define CACHE_URLS "urls"
#define URL_ETAG_MAX 256

struct url_note {
	char digest[65]; /* SHA-256 of the content */
	char etag[URL_ETAG_MAX]; /* a strong one, quotes included; "": none */
	int64_t modified_ns; /* Last-Modified; 0: none */
};

/** url_note_find() - 1 and @ret, or 0. @verified: certificates were looked at; notes of the others are apart. */
int url_note_find(struct store *st, const char *url, bool verified, struct url_note *ret);
/** url_note_put() - lost by a crash at the worst: then it is fetched again. */
int url_note_put(struct store *st, const char *url, bool verified, const struct url_note *n);
