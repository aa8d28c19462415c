/* SPDX-License-Identifier: MIT */
/*
 * One repository at one registry, OCI distribution-spec: ping and challenges, tokens, manifests,
 * tags, blobs. Credentials go to the registry's own origin, and to a token server only when it is
 * the registry's own (registry_auth.c, G03).
 */
#pragma once
#include "pkg/config/registries.h"
#include "pkg/http/http.h"
#include "pkg/http/url.h"
#include "pkg/config/auth.h"
#include "pkg/transfer/protocol.h"

struct json_object;

struct registry_options {
	struct transfer_access access;
	const struct credential *credential; /* these and no others; NULL: what is found */
	bool push; /* ask for the right to write */
};

struct registry {
	struct http *http;
	char *host, *path; /* "localhost:5000", "library/debian" */
	char *base; /* "https://localhost:5000" */
	bool insecure, mirror, push;
	struct strv
		mounts; /* repositories here that blobs may be mounted from: a token must say so */
	unsigned retries, retry_delay_ms;
	char *cert_dir;
	struct http_policy policy;
	struct credential credential;

	/* What the registry asked for, and what was got for it. */
	bool wants_basic;
	char *realm, *service, *scope;
	char *token;
	bool token_did; /* it was good for something */
	char *warning; /* what the registry wants its users to know, the first of it; NULL: nothing */
	char *rate_notice; /* few pulls are left (R5); NULL: enough, or it does not count them */
	int64_t token_until_ns; /* CLOCK_MONOTONIC */
	bool anonymous_realm; /* credentials were kept back: the realm is not the registry's */
};

/** registry_open() - settle host, certificates and credentials; reads files, asks helpers, no network. */
int registry_open(struct http *http, const struct endpoint *e, const struct registry_options *o,
		  struct registry *ret);
void registry_close(struct registry *r);

/** registry_ping() - GET /v2/: learns scheme and challenges. Plain HTTP is tried only when insecure. */
int registry_ping(struct registry *r);
/**
 * registry_probe() - the same by asking for the manifest that is wanted: often nothing more is
 * @ret_digest: what is there under @reference, malloc'ed; untouched when nothing is, or it does not say.
 */
int registry_probe(struct registry *r, const char *reference, char **ret_digest);
/** registry_login() - the same, and answer the challenge: -CE_DENIED when the credentials are not good. */
int registry_login(struct registry *r);

struct manifest;
/** registry_find_manifest() - what is under a tag, raw and parsed: 1; 0 when there is nothing. */
int registry_find_manifest(struct registry *r, const char *tag, struct http_response *ret,
			   struct manifest *ret_parsed);
/**
 * registry_manifest() - raw manifest by tag or digest; a digest is verified
 * @ret_digest: "sha256:…" of the bytes, malloc'ed. -CE_NO_IMAGE when the registry has none.
 */
int registry_manifest(struct registry *r, const char *reference, struct http_response *ret,
		      char **ret_digest);
/**
 * registry_referrers() - index of what refers to the manifest @digest: 1; 0 when there is none
 * By the interface for it, or by the tag that stands in for that at registries without one.
 */
int registry_referrers(struct registry *r, const char *digest, struct manifest *ret);
/** registry_has_manifest() - is exactly that what @reference names there? 1, 0, or a code. */
int registry_has_manifest(struct registry *r, const char *reference, const char *digest);
/** registry_document() - a small blob (an image config), size and digest verified. */
int registry_document(struct registry *r, const char *digest, uint64_t size, struct sbuf *ret);
/** registry_tags() - all tags, page by page. */
int registry_tags(struct registry *r, struct strv *ret);
/** registry_catalog() - all repositories there, as far as it tells. */
int registry_catalog(struct registry *r, struct strv *ret);
/** registry_search() - what the old interface for searching says; -ENOENT (no trail) when there is none. Anonymous. */
int registry_search(struct registry *r, const char *term, unsigned limit, struct json_object **ret);

/**
 * registry_blob() - start a blob; @sink gets its bytes. NULL with a trail in *@ret_code when that failed.
 * @from: where to begin; the answer is a 206, or a 200 with all of it (registry_blob_offset()).
 */
struct http_transfer *registry_blob(struct registry *r, const char *digest, uint64_t from,
				    uint64_t size, int (*sink)(void *data, const void *p, size_t n),
				    void *data, int *ret_code);
/** registry_blob_range() - the same for the bytes from @from up to @to; who asks looks whether the answer is that. */
struct http_transfer *registry_blob_range(struct registry *r, const char *digest, uint64_t from,
					  uint64_t to,
					  int (*sink)(void *data, const void *p, size_t n),
					  void *data, int *ret_code);
/** registry_blob_offset() - where the bytes of an answer begin that was asked for with @from; -CE_NETWORK for any other part. */
int registry_blob_offset(struct http_transfer *t, uint64_t from, uint64_t size, uint64_t *ret);
/**
 * registry_judge() - what an answer other than 2xx means
 * @ret_again: true when a new token was worth a try: repeat the request. Else a code with trail.
 */
int registry_judge(struct registry *r, const struct http_response *p, const char *what,
		   bool *ret_again);

/**
 * registry_exchange() - one request with all that may be asked for first: a token, another scope
 * @q: without policy, authorization and delay. Anything but a 2xx is an error with @what in its words.
 */
int registry_exchange(struct registry *r, struct http_request *q, const char *what,
		      struct http_response *ret);

/* registry_push.c */
/** registry_has_blob() - 1, 0, or a code. */
int registry_has_blob(struct registry *r, const char *digest);
/** registry_mount() - from another repository at this registry: 1 done, 0 not, or a code. */
int registry_mount(struct registry *r, const char *digest, const char *from);
/** registry_upload() - a blob from memory or a file; @told hears how much of it went. */
struct upload {
	const char *digest;
	uint64_t size;
	const void *memory; /* NULL: of @fd */
	int fd;
	void (*told)(void *data, uint64_t bytes);
	void *data;
};
int registry_upload(struct registry *r, const struct upload *u);
/*
 * The same beside others: begun here, its bytes go while anything waits on the registry's http.
 * @u's strings, file and data stay until registry_upload_done().
 */
struct upload_beside {
	struct registry *registry;
	struct upload u;
	char *what, *location, *authorization;
	struct strv headers;
	struct http_transfer *transfer;
};
int registry_upload_begin(struct registry *r, const struct upload *u, struct upload_beside *ret);
/** registry_upload_ready() - its bytes are gone, or it failed: registry_upload_finish() will not wait long. */
bool registry_upload_ready(const struct upload_beside *b);
/** registry_upload_finish() - wait for it; what broke on the way is begun anew, alone. Releases @b. */
int registry_upload_finish(struct upload_beside *b);
/** registry_upload_drop() - give it up; @code: the error for which, which the registry is told of and whose trail stays. */
void registry_upload_drop(struct upload_beside *b, int code);
/* registry_put.c */
/**
 * registry_put_manifest() - under a tag or its digest; children and blobs are there
 * What it refers to (subject) learns of it by a tag when the registry does not see to that (referrer.h).
 */
int registry_put_manifest(struct registry *r, const char *reference, const char *media_type,
			  const char *digest, const void *bytes, size_t n);
/**
 * registry_put_tags() - the same under each of @tags
 * By its digest with all of them beside, where the registry answers which of them it took (distribution-spec,
 * "Pushing Manifests with Tags"); the others with a request each.
 */
int registry_put_tags(struct registry *r, const struct strv *tags, const char *media_type,
		      const char *digest, const void *bytes, size_t n);

/* registry_auth.c */
/** registry_authorization() - header value for the next request, fetching a token when needed; NULL for none. */
int registry_authorization(struct registry *r, char **ret);
/** registry_learn() - take the challenges of a 401; false when they are nothing new. */
bool registry_learn(struct registry *r, const struct http_response *p);
/** realm_is_trusted() - may the user's secret for @host:@port go to @realm? Pure; for tests. */
bool realm_is_trusted(const struct origin *registry, const struct origin *realm);
