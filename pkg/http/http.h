/* SPDX-License-Identifier: MIT */
/*
 * HTTP by libcurl, wrapped once: many transfers in one poll loop, one thread.
 *
 * What a request says about itself is final: credentials belong to the origin (scheme, host, port)
 * of its url and are sent nowhere else (D8); redirects of GET and HEAD are followed here, at most
 * five, never from https to http; bodies, headers and time are bounded (G10); proxies come from the environment,
 * never for plain http (G13); nothing is read from ~/.netrc (G02).
 */
#pragma once
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

#define HTTP_PAUSE 1
#define HTTP_REDIRECTS_MAX 5
#define HTTP_ERROR_BODY_MAX (64 * 1024)

struct http;
struct http_transfer;

/* How far a server is trusted. Strings and struct outlive the transfers that use them. */
struct http_policy {
	bool insecure; /* certificates are not verified */
	bool plain; /* http:// may be used */
	bool public_only; /* no loopback, private or link-local peer (G03) */
	const char *cert_dir; /* certs.d/<host> with *.crt, *.cert and *.key; NULL: none */
	const char *cert_url; /* client certificates are for this origin only */
};

struct http_request {
	const char *url;
	const char *method; /* NULL: GET */
	const char *authorization; /* value of the header; for the url's origin only */
	const struct strv *headers; /* "Accept: …"; NULL: none */
	const char *form; /* body of a POST, application/x-www-form-urlencoded */
	/* Body of any other method than GET and HEAD: memory, or a file from its beginning. */
	const void *body;
	int body_fd; /* used when there is a size and no memory; stays the caller's and open */
	uint64_t body_size;
	void (*sent)(void *data, uint64_t bytes); /* told how much of it went; may be NULL */
	const struct http_policy *policy;
	uint64_t max_body;
	unsigned timeout_s; /* for the whole; 0: only stalls end it */
	unsigned retries; /* further tries when nothing of the body was used yet */
	unsigned retry_delay_ms;
	/*
	 * Takes the body of a 2xx answer piece by piece: 0 consumed, HTTP_PAUSE nothing consumed (the
	 * same piece comes again after http_resume()), or a negative code with trail. NULL: kept.
	 */
	int (*sink)(void *data, const void *p, size_t n);
	void *data;
};

struct http_response {
	unsigned status;
	bool foreign; /* it came from another origin than was asked */
	char *url; /* where it came from, without query */
	char *content_type; /* without parameters; NULL when there was none */
	char *content_digest; /* Docker-Content-Digest */
	char *link;
	char *content_range; /* of a part */
	char *last_modified;
	char *etag;
	char *location; /* of an answer that was not followed */
	char *warning;
	char *subject; /* OCI-Subject: the registry keeps the list of referrers itself */
	char *rate_limit, *rate_remaining; /* of pulls, as Docker Hub counts them */
	struct strv challenges; /* WWW-Authenticate values */
	struct strv tags; /* OCI-Tag: those that a manifest put by its digest got as well */
	struct sbuf body; /* kept 2xx body, or the beginning of an error's body */
};
void http_response_done(struct http_response *r);

int http_new(struct http **ret);
void http_freep(struct http **h);
/** http_set_cancel() - when @fd becomes readable or is hung up, every wait fails with -CE_INTERRUPTED. Return: that of before. */
int http_set_cancel(struct http *h, int fd);

struct http_transfer *http_start(struct http *h, const struct http_request *q);
/** http_finished() - 1 when the answer is complete, 0 while it runs, or the error with its trail. */
int http_finished(struct http_transfer *t);
/** http_take_response() - what came, any status; valid once http_finished() is 1. */
void http_take_response(struct http_transfer *t, struct http_response *ret);
void http_resume(struct http_transfer *t);
/** http_head() - status and headers so far, for a sink that wants to know what it is given. */
const struct http_response *http_head(struct http_transfer *t);
/** http_stop() - end the transfer in whatever state and free it; NULL is fine. */
void http_stop(struct http_transfer *t);

/** http_wait() - let all transfers move; returns when something happened on one of them or on @more. */
int http_wait(struct http *h, struct pollfd *more, unsigned n, int timeout_ms);
/** http_fetch() - one request from start to end while others move too. Statuses are not errors. */
int http_fetch(struct http *h, const struct http_request *q, struct http_response *ret);
