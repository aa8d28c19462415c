/* SPDX-License-Identifier: MIT */
/* Manifests into a repository: under tags and digests (R7), and what refers to another one (R8). */
#include <string.h>

#include "pkg/archive/hash.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/referrer.h"
#include "pkg/transfer/registry.h"

#define SMALL_TIMEOUT_S 120
#define LIST_TRIES 8U /* with others who write to the same list */
#define TAGS_AT_ONCE 10U /* what every registry with this has to take in one request */

struct putting {
	const char *query; /* NULL: none */
	const char *
		etag; /* only in place of what has that one, else -ESTALE; NULL: whatever is there */
	bool refers; /* the registry took notice of its subject */
	struct strv tags; /* it got beside */
};

static int put_manifest(struct registry *r, const char *reference, struct putting *how,
			const struct referrer *m)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *url = xasprintf("%s/v2/%s/manifests/%s%s", r->base, r->path, reference,
					how->query ? how->query : "");
	AUTO_FREE char *what = xasprintf("manifest of %s%c%s", r->path,
					 strchr(reference, ':') ? '@' : ':', reference);
	AUTO_STRV struct strv headers = STRV_INIT;
	struct http_request q = {.url = url,
				 .method = "PUT",
				 .headers = &headers,
				 .body = m->bytes,
				 .body_size = m->n,
				 .max_body = HTTP_ERROR_BODY_MAX,
				 .timeout_s = SMALL_TIMEOUT_S,
				 .retries = r->retries};
	int e;

	strv_addf(&headers, "Content-Type: %s", m->media_type);
	if (how->etag)
		strv_addf(&headers, "If-Match: %s", how->etag);
	e = registry_exchange(r, &q, what, &p);
	if (e == 0 && p.status != 201)
		e = err_new(-CE_NETWORK, "%s: %s answers with status %u", what, r->host, p.status);
	if (e == 0 && p.content_digest && strcmp(p.content_digest, m->digest) != 0)
		e = err_new(-CE_BAD_DIGEST, "%s: %s made %.80s of it", what, r->host,
			    p.content_digest);
	how->refers = p.subject != NULL;
	strv_add_all(&how->tags, &p.tags);
	return e;
}

/* One more in the list of what refers to its subject, of which others may be writers, too. */
static int list_referrer(struct registry *r, const struct referrer *f)
{
	for (unsigned tries = 1;; tries++) {
		AUTO(referrer_list_done) struct referrer_list l = {.index = SBUF_INIT};
		char of_index[72] = "sha256:";
		struct putting how = {0};
		int e = referrer_index(r, f, &l);

		if (e <= 0)
			return e;
		hash_sha256_of(l.index.s, l.index.len, of_index + strlen(of_index));
		how.etag = l.etag;
		e = put_manifest(r, l.tag, &how,
				 &(struct referrer){.media_type = MEDIA_OCI_INDEX,
						    .digest = of_index,
						    .bytes = l.index.s,
						    .n = l.index.len});
		strv_done(&how.tags);
		if (e != -ESTALE || tries == LIST_TRIES)
			return e;
		err_drop();
	}
}

/* R8: it is about another manifest, and the registry does not list such ones itself. */
static int see_to_subject(struct registry *r, const struct putting *how, const struct referrer *m)
{
	int e = how->refers ? 0 : list_referrer(r, m);

	return e < 0 ? err_wrap(e, "list what refers to it") : 0;
}

int registry_put_manifest(struct registry *r, const char *reference, const char *media_type,
			  const char *digest, const void *bytes, size_t n)
{
	const struct referrer m = {
		.media_type = media_type, .digest = digest, .bytes = bytes, .n = n};
	struct putting how = {0};
	int e = put_manifest(r, reference, &how, &m);

	strv_done(&how.tags);
	return e < 0 ? e : see_to_subject(r, &how, &m);
}

/* By its digest, with tags [@from, @to) beside; @got gets those that the registry says it took. */
static int put_with_tags(struct registry *r, const struct strv *tags, size_t from, size_t to,
			 const struct referrer *m, struct strv *got)
{
	AUTO_SBUF struct sbuf query = SBUF_INIT;
	struct putting how = {0};
	int e;

	for (size_t i = from; i < to; i++)
		sbuf_addf(&query, "%ctag=%s", i == from ? '?' : '&', tags->v[i]);
	how.query = query.s;
	e = put_manifest(r, m->digest, &how, m);
	if (e == 0)
		e = see_to_subject(r, &how, m);
	strv_add_all(got, &how.tags);
	strv_done(&how.tags);
	return e;
}

int registry_put_tags(struct registry *r, const struct strv *tags, const char *media_type,
		      const char *digest, const void *bytes, size_t n)
{
	const struct referrer m = {
		.media_type = media_type, .digest = digest, .bytes = bytes, .n = n};
	AUTO_STRV struct strv got = STRV_INIT;
	size_t before = 0; /* that many, at least, or the registry knows nothing of it */
	int e = 0;

	for (size_t i = 0; e == 0 && tags->n > 1 && got.n >= before && i < tags->n;
	     i += TAGS_AT_ONCE) {
		size_t to = i + TAGS_AT_ONCE < tags->n ? i + TAGS_AT_ONCE : tags->n;

		before = got.n + 1;
		e = put_with_tags(r, tags, i, to, &m, &got);
	}
	if (e == -CE_INTERRUPTED)
		return e;
	if (e < 0) {
		/* One that takes no such request; if it is something else, the next one says so. */
		log_debug("registry", "tags by digest: %s", err_message(e));
		err_drop();
	}
	for (size_t i = 0; i < tags->n; i++) {
		e = strv_has(&got, tags->v[i])
			    ? 0
			    : registry_put_manifest(r, tags->v[i], media_type, digest, bytes, n);
		if (e < 0)
			return e;
	}
	return 0;
}
