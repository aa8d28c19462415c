/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/registry.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/plain.h"
#include "pkg/transfer/verify.h"

#define TAG_PAGES_MAX 1000
#define TAGS_MAX 100000
#define TAGS_BODY_MAX (4 * 1024 * 1024)
#define SMALL_TIMEOUT_S 120
#define PULLS_LOW 10

void registry_close(struct registry *r)
{
	freep(&r->host);
	freep(&r->path);
	freep(&r->base);
	freep(&r->cert_dir);
	freep(&r->realm);
	freep(&r->service);
	freep(&r->scope);
	strv_done(&r->mounts);
	freep(&r->token);
	freep(&r->warning);
	freep(&r->rate_notice);
	credential_done(&r->credential);
}

/* certs.d: the first directory that exists counts, and it alone (N5). */
static char *find_cert_dir(const char *host)
{
	AUTO_FREE char *home = NULL, *user = NULL;
	const char *const roots[] = {"/etc/containers/certs.d", "/etc/docker/certs.d"};

	if (paths_config_home(&home) == 0) {
		user = path_join3(home, "containers/certs.d", host);
		if (access(user, R_OK | X_OK) == 0)
			return TAKE_PTR(user);
	} else {
		err_drop();
	}
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		AUTO_FREE char *dir = path_join(roots[i], host);

		if (access(dir, R_OK | X_OK) == 0)
			return TAKE_PTR(dir);
	}
	return NULL;
}

int registry_open(struct http *http, const struct endpoint *e, const struct registry_options *o,
		  struct registry *ret)
{
	AUTO(registry_close)
	struct registry r = {
		.http = http, .insecure = e->insecure, .mirror = e->mirror, .push = o->push};
	const struct transfer_access *a = &o->access;
	int err;

	r.host = xstrdup(e->host);
	r.path = xstrdup(e->path);
	r.base = xasprintf("https://%s", e->host);
	r.retries = a->retries;
	r.retry_delay_ms = a->retry_delay_s * 1000;
	if (a->tls_verify >= 0)
		r.insecure = a->tls_verify == 0;
	r.cert_dir = a->cert_dir ? xstrdup(a->cert_dir) : find_cert_dir(e->host);
	/* --creds is for the registry that was named, not for its mirrors (G12). */
	if (o->credential)
		err = credential_copy(o->credential, &r.credential);
	else if (a->creds && !e->mirror)
		err = credential_parse(a->creds, &r.credential);
	else
		err = auth_find(e->host, e->path, a->authfile, &r.credential);
	if (err < 0)
		return err_wrap(err, "credentials for %s", e->host);
	*ret = r;
	r = (struct registry){0};
	ret->policy = (struct http_policy){.insecure = ret->insecure,
					   .plain = ret->insecure,
					   .cert_dir = ret->cert_dir,
					   .cert_url = ret->base};
	return 0;
}

/* The registry's own words, where it has some: {"errors":[{"code":…,"message":…}]}. */
static void add_server_words(const struct http_response *p, struct sbuf *out)
{
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *errors = NULL, *first;
	const char *code = NULL, *message = NULL;

	if (p->body.len == 0 || json_parse(p->body.s, p->body.len, &o) < 0 ||
	    !json_object_is_type(o, json_type_object) || json_get_arr(o, "errors", &errors) < 0 ||
	    !errors || json_object_array_length(errors) == 0) {
		err_drop();
		return;
	}
	first = json_object_array_get_idx(errors, 0);
	if (!json_object_is_type(first, json_type_object) ||
	    json_get_str(first, "code", &code) < 0 || json_get_str(first, "message", &message) < 0)
		err_drop();
	if (message && *message)
		sbuf_addf(out, ": %.300s", message);
	else if (code)
		sbuf_addf(out, ": %.100s", code);
}

static int denied(const struct registry *r, const char *words)
{
	const char *why = "";

	if (r->anonymous_realm)
		why = " (its token server is not its own: credentials were kept back)";
	else if (!r->credential.user && !r->credential.identity_token)
		why = *r->path ? " (no credentials for it: cuddy login, or --creds; or there is no "
				 "such repository)"
			       : " (no credentials for it: cuddy login, or --creds)";
	return err_new(-CE_DENIED, "%s%s%s", r->host, words, why);
}

int registry_judge(struct registry *r, const struct http_response *p, const char *what,
		   bool *ret_again)
{
	AUTO_SBUF struct sbuf words = SBUF_INIT;

	*ret_again = false;
	/* A 401 of somebody else than the registry is not answered (G06). */
	if (p->status == 401 && !p->foreign && registry_learn(r, p)) {
		*ret_again = true;
		return 0;
	}
	add_server_words(p, &words);
	if (p->foreign)
		return err_new(-CE_NETWORK, "%s: %s says %u", what, p->url, p->status);
	switch (p->status) {
	case 401:
	case 403:
		return err_wrap(denied(r, words.s), "%s", what);
	case 404:
		return err_new(-CE_NO_IMAGE, "%s at %s%s", what, r->host, words.s);
	case 412:
		return err_new(-ESTALE, "%s at %s: another writer changed it", what, r->host);
	case 429:
		return err_new(-CE_DENIED, "%s: %s: too many requests%s", what, r->host, words.s);
	default:
		return err_new(-CE_NETWORK, "%s: %s answers with status %u%s", what, r->host,
			       p->status, words.s);
	}
}

/* 299 - "words": a note of the registry's own (R9). */
static void take_warning(struct registry *r, const struct http_response *p)
{
	const char *words = p->warning && strncmp(p->warning, "299 ", 4) == 0
				    ? strchr(p->warning, '"')
				    : NULL;

	if (!words || r->warning || p->foreign)
		return;
	r->warning = xasprintf("%s: %.300s", r->host, words + 1);
	r->warning[strcspn(r->warning, "\"")] = '\0';
}

/* "N;w=SECONDS", or N alone; -1 when it is neither. */
static long long rate_of(const char *text, uint32_t *ret_window_s)
{
	AUTO_FREE char *count = text ? xstrndup(text, strcspn(text, ";")) : NULL;
	const char *w = text ? strstr(text, ";w=") : NULL;
	uint32_t n;

	*ret_window_s = 0;
	if (w && parse_u32(w + 3, UINT32_MAX, ret_window_s) < 0)
		err_drop();
	if (!count || parse_u32(count, UINT32_MAX, &n) < 0) {
		err_drop();
		return -1;
	}
	return n;
}

/* Docker Hub counts pulls: said before there are none left (R5). */
static void take_rate(struct registry *r, const struct http_response *p)
{
	uint32_t window_s, ignored;
	long long left = rate_of(p->rate_remaining, &window_s),
		  all = rate_of(p->rate_limit, &ignored);
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (left < 0 || p->foreign || (left > PULLS_LOW && (all < 0 || left * 10 > all)))
		return;
	sbuf_addf(&b, "%s: %lld", r->host, left);
	if (all >= 0)
		sbuf_addf(&b, " of %lld", all);
	sbuf_adds(&b, " pulls are left");
	if (window_s >= 3600)
		sbuf_addf(&b, " for the next %u hours", window_s / 3600);
	else if (window_s)
		sbuf_addf(&b, " for the next %u minutes", window_s / 60 + 1);
	if (!r->credential.user && !r->credential.identity_token)
		sbuf_addf(&b, "; 'cuddy login %s' may give more", r->host);
	freep(&r->rate_notice);
	r->rate_notice = sbuf_steal(&b);
}

int registry_exchange(struct registry *r, struct http_request *q, const char *what,
		      struct http_response *ret)
{
	for (unsigned tries = 0;; tries++) {
		AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
		AUTO_FREE char *authorization = NULL;
		bool again;
		int e;

		e = registry_authorization(r, &authorization);
		if (e < 0)
			return e;
		q->policy = &r->policy;
		q->authorization = authorization;
		q->retry_delay_ms = r->retry_delay_ms;
		e = http_fetch(r->http, q, &p);
		q->authorization = NULL;
		if (e < 0)
			return e;
		take_warning(r, &p);
		take_rate(r, &p);
		if (p.status >= 200 && p.status <= 299) {
			r->token_did = true;
			*ret = p;
			p = (struct http_response){.body = SBUF_INIT};
			return 0;
		}
		e = registry_judge(r, &p, what, &again);
		if (e < 0 || !again || tries >= 2)
			return e < 0 ? e : err_new(-CE_DENIED, "%s: %s", what, r->host);
	}
}

static int get(struct registry *r, const char *url, const struct strv *headers, uint64_t max,
	       const char *what, struct http_response *ret)
{
	struct http_request q = {.url = url,
				 .headers = headers,
				 .max_body = max,
				 .timeout_s = SMALL_TIMEOUT_S,
				 .retries = r->retries};
	int e = registry_exchange(r, &q, what, ret);

	if (e == 0 && ret->status != 200)
		e = err_new(-CE_NETWORK, "%s: %s answers with status %u", what, r->host,
			    ret->status);
	return e;
}

/* @reference: a manifest is asked for, else only whether there is a registry. */
static int meet_once(struct registry *r, const char *reference, unsigned retries,
		     struct http_response *ret)
{
	AUTO_FREE char *url =
		reference ? xasprintf("%s/v2/%s/manifests/%s", r->base, r->path, reference)
			  : xasprintf("%s/v2/", r->base);
	AUTO_STRV struct strv headers = STRV_INIT;
	struct http_request q = {.url = url,
				 .method = reference ? "HEAD" : NULL,
				 .headers = &headers,
				 .policy = &r->policy,
				 .max_body = HTTP_ERROR_BODY_MAX,
				 .timeout_s = SMALL_TIMEOUT_S,
				 .retries = retries,
				 .retry_delay_ms = r->retry_delay_ms};
	int e;

	if (reference)
		strv_add(&headers, "Accept: " MANIFEST_ACCEPT);
	e = http_fetch(r->http, &q, ret);
	if (e == 0 && ret->status == 401 && !ret->foreign)
		(void)registry_learn(r, ret);
	return e;
}

static void speak(struct registry *r, const char *scheme)
{
	freep(&r->base);
	r->base = xasprintf("%s://%s", scheme, r->host);
	r->policy.cert_url = r->base;
}

/* 1 when it answers plainly as it did the last time; a server of TLS says 400 to that. */
static int meet_plainly(struct registry *r, const char *reference, struct http_response *ret)
{
	int e;

	if (!r->insecure || !plain_is_known(r->host))
		return 0;
	speak(r, "http");
	e = meet_once(r, reference, 0, ret);
	if (e == 0 && ret->status != 400)
		return 1;
	http_response_done(ret);
	if (e == -CE_INTERRUPTED)
		return e;
	err_drop();
	plain_remember(r->host, false);
	speak(r, "https");
	return 0;
}

static int meet(struct registry *r, const char *reference, struct http_response *ret)
{
	int e = meet_plainly(r, reference, ret);

	if (e != 0)
		return e < 0 ? e : 0;
	e = meet_once(r, reference, r->insecure ? 0 : r->retries, ret);
	if (e == 0 || !r->insecure || (e != -CE_NETWORK && e != -CE_TIMEOUT))
		return e;
	/* Asked for in so many words: what does not speak TLS may speak plainly (N4). */
	err_drop();
	speak(r, "http");
	log_debug("registry", "%s: plain http", r->host);
	e = meet_once(r, reference, r->retries, ret);
	if (e == 0)
		plain_remember(r->host, true);
	return e;
}

int registry_ping(struct registry *r)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};

	return meet(r, NULL, &p);
}

static int head_digest(struct registry *r, const char *reference, char **ret_digest)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *url = xasprintf("%s/v2/%s/manifests/%s", r->base, r->path, reference);
	AUTO_STRV struct strv headers = STRV_INIT;
	struct http_request q = {.url = url,
				 .method = "HEAD",
				 .headers = &headers,
				 .max_body = HTTP_ERROR_BODY_MAX,
				 .timeout_s = SMALL_TIMEOUT_S,
				 .retries = r->retries};
	int e;

	strv_add(&headers, "Accept: " MANIFEST_ACCEPT);
	e = registry_exchange(r, &q, "manifest", &p);
	if (e == -CE_NO_IMAGE) {
		err_drop();
		return 0;
	}
	if (e == 0 && p.status == 200 && p.content_digest)
		*ret_digest = xstrdup(p.content_digest);
	return e;
}

int registry_probe(struct registry *r, const char *reference, char **ret_digest)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	int e = meet(r, reference, &p);

	if (e < 0)
		return e;
	take_warning(r, &p);
	take_rate(r, &p);
	if (p.status == 200 && p.content_digest)
		*ret_digest = xstrdup(p.content_digest);
	if (p.status != 401 || p.foreign)
		return 0;
	/* Some name their challenge only where they are pinged (R1). */
	if (!r->realm && !r->wants_basic)
		e = registry_ping(r);
	return e < 0 ? e : head_digest(r, reference, ret_digest);
}

int registry_login(struct registry *r)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *url = NULL;
	int e = meet(r, NULL, &p);

	if (e < 0 || p.status == 200) /* it wants no credentials of anybody */
		return e;
	http_response_done(&p);
	url = xasprintf("%s/v2/", r->base);
	return get(r, url, NULL, HTTP_ERROR_BODY_MAX, "login", &p);
}

int registry_manifest(struct registry *r, const char *reference, struct http_response *ret,
		      char **ret_digest)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *url = xasprintf("%s/v2/%s/manifests/%s", r->base, r->path, reference);
	AUTO_FREE char *what = xasprintf("%s%c%s", r->path, strchr(reference, ':') ? '@' : ':',
					 reference);
	AUTO_FREE char *digest = NULL;
	AUTO_STRV struct strv headers = STRV_INIT;
	int e;

	strv_add(&headers, "Accept: " MANIFEST_ACCEPT);
	e = get(r, url, &headers, MANIFEST_BYTES_MAX, what, &p);
	if (e < 0)
		return e;
	digest = hash_digest_of(p.body.s, p.body.len);
	if (strchr(reference, ':')) {
		e = verify_bytes(reference, p.body.s, p.body.len);
		if (e < 0)
			return err_wrap(e, "manifest of %s from %s", what, r->host);
		freep(&digest);
		digest = xstrdup(reference);
	} else if (p.content_digest && strncmp(p.content_digest, "sha256:", 7) == 0 &&
		   strcmp(p.content_digest, digest) != 0) {
		return err_new(-CE_BAD_DIGEST, "manifest of %s from %s", what, r->host);
	}
	*ret = p;
	p = (struct http_response){.body = SBUF_INIT};
	*ret_digest = TAKE_PTR(digest);
	return 0;
}

int registry_find_manifest(struct registry *r, const char *tag, struct http_response *ret,
			   struct manifest *ret_parsed)
{
	AUTO_FREE char *digest = NULL;
	int e = registry_manifest(r, tag, ret, &digest);

	if (e == -CE_NO_IMAGE) {
		err_drop();
		return 0;
	}
	if (e == 0)
		e = manifest_parse(ret->body.s, ret->body.len, ret->content_type, ret_parsed);
	return e < 0 ? e : 1;
}

int registry_referrers(struct registry *r, const char *digest, struct manifest *ret)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO(http_response_done) struct http_response by_tag = {.body = SBUF_INIT};
	AUTO_FREE char *url = xasprintf("%s/v2/%s/referrers/%s", r->base, r->path, digest);
	AUTO_FREE char *tag = xasprintf("%.*s-%.64s", (int)strcspn(digest, ":"), digest,
					digest_hex(digest));
	AUTO_STRV struct strv headers = STRV_INIT;
	int e;

	strv_add(&headers, "Accept: " MEDIA_OCI_INDEX);
	e = get(r, url, &headers, MANIFEST_BYTES_MAX, "referrers", &p);
	if (e == 0 && manifest_parse(p.body.s, p.body.len, MEDIA_OCI_INDEX, ret) == 0)
		return ret->n_children > 0;
	if (e == -CE_INTERRUPTED)
		return e;
	err_drop();
	e = registry_find_manifest(r, tag, &by_tag, ret);
	return e > 0 ? ret->is_index && ret->n_children > 0 : e;
}

int registry_has_manifest(struct registry *r, const char *reference, const char *digest)
{
	AUTO_FREE char *there = NULL;
	int e = head_digest(r, reference, &there);

	return e < 0 ? e : there && strcmp(there, digest) == 0;
}

int registry_document(struct registry *r, const char *digest, uint64_t size, struct sbuf *ret)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *url = xasprintf("%s/v2/%s/blobs/%s", r->base, r->path, digest);
	AUTO_FREE char *what = xasprintf("blob %.19s", digest);
	int e;

	if (size > MANIFEST_BYTES_MAX)
		return err_new(-CE_LIMIT, "%s: %llu bytes", what, (unsigned long long)size);
	e = get(r, url, NULL, MANIFEST_BYTES_MAX, what, &p);
	if (e < 0)
		return e;
	if (p.body.len != size)
		return err_new(-CE_BAD_SIZE, "%s from %s: %zu bytes instead of %llu", what, r->host,
			       p.body.len, (unsigned long long)size);
	e = verify_bytes(digest, p.body.s, p.body.len);
	if (e < 0)
		return err_wrap(e, "%s from %s", what, r->host);
	sbuf_add(ret, p.body.s, p.body.len);
	return 0;
}

static int add_names(const struct http_response *p, const char *key, struct strv *ret)
{
	AUTO_JSON struct json_object *o = NULL;
	int e = json_parse(p->body.s, p->body.len, &o);

	if (e < 0)
		return e;
	e = json_get_strv(o, key, ret);
	if (e == 0 && ret->n > TAGS_MAX)
		e = err_new(-CE_LIMIT, "%zu %s", ret->n, key);
	return e;
}

/* A list that goes on as long as the answers' Link headers say (R9). Takes @first. */
static int list_pages(struct registry *r, char *first, const char *key, struct strv *ret)
{
	AUTO_FREE char *url = first;
	int e;

	for (unsigned page = 0; url; page++) {
		AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
		AUTO_FREE char *next = NULL, *full = NULL;

		if (page >= TAG_PAGES_MAX)
			return err_new(-CE_LIMIT, "pages");
		e = get(r, url, NULL, TAGS_BODY_MAX, *r->path ? r->path : key, &p);
		if (e == 0)
			e = add_names(&p, key, ret);
		if (e < 0)
			return e;
		next = p.link ? link_next(p.link) : NULL;
		if (next) {
			e = url_redirect(url, next, r->policy.plain, &full);
			if (e < 0)
				return e;
			if (!url_same_origin(full, r->base) || strcmp(full, url) == 0)
				return err_new(-CE_UNSAFE, "the list continues elsewhere");
		}
		freep(&url);
		url = TAKE_PTR(full);
	}
	return 0;
}

int registry_tags(struct registry *r, struct strv *ret)
{
	int e = list_pages(r, xasprintf("%s/v2/%s/tags/list?n=1000", r->base, r->path), "tags",
			   ret);

	return e < 0 ? err_wrap(e, "tags of %s", r->path) : 0;
}

int registry_catalog(struct registry *r, struct strv *ret)
{
	int e = list_pages(r, xasprintf("%s/v2/_catalog?n=1000", r->base), "repositories", ret);

	return e < 0 ? err_wrap(e, "repositories of %s", r->host) : 0;
}

int registry_search(struct registry *r, const char *term, unsigned limit, struct json_object **ret)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *escaped = url_escape(term);
	AUTO_FREE char *url = xasprintf("%s/v1/search?q=%s&n=%u", r->base, escaped, limit);
	struct http_request q = {.url = url,
				 .policy = &r->policy,
				 .max_body = TAGS_BODY_MAX,
				 .timeout_s = SMALL_TIMEOUT_S,
				 .retries = r->retries,
				 .retry_delay_ms = r->retry_delay_ms};
	int e = http_fetch(r->http, &q, &p);

	if (e == 0 && p.status != 200)
		return -ENOENT;
	return e < 0 ? e : json_parse(p.body.s, p.body.len, ret);
}

static struct http_transfer *start_blob(struct registry *r, const char *digest, const char *range,
					uint64_t max,
					int (*sink)(void *data, const void *p, size_t n),
					void *data, int *ret_code)
{
	AUTO_FREE char *url = xasprintf("%s/v2/%s/blobs/%s", r->base, r->path, digest);
	AUTO_FREE char *authorization = NULL;
	AUTO_STRV struct strv headers = STRV_INIT;
	struct http_request q = {.url = url,
				 .headers = &headers,
				 .policy = &r->policy,
				 .max_body = max,
				 .retries = r->retries,
				 .retry_delay_ms = r->retry_delay_ms,
				 .sink = sink,
				 .data = data};

	if (range)
		strv_addf(&headers, "Range: bytes=%s", range);
	*ret_code = registry_authorization(r, &authorization);
	if (*ret_code < 0)
		return NULL;
	q.authorization = authorization;
	return http_start(r->http, &q);
}

struct http_transfer *registry_blob(struct registry *r, const char *digest, uint64_t from,
				    uint64_t size, int (*sink)(void *data, const void *p, size_t n),
				    void *data, int *ret_code)
{
	AUTO_FREE char *range = from ? xasprintf("%llu-", (unsigned long long)from) : NULL;

	return start_blob(r, digest, range, size, sink, data, ret_code);
}

struct http_transfer *registry_blob_range(struct registry *r, const char *digest, uint64_t from,
					  uint64_t to,
					  int (*sink)(void *data, const void *p, size_t n),
					  void *data, int *ret_code)
{
	AUTO_FREE char *range = xasprintf("%llu-%llu", (unsigned long long)from,
					  (unsigned long long)to - 1);

	return start_blob(r, digest, range, to - from, sink, data, ret_code);
}

int registry_blob_offset(struct http_transfer *t, uint64_t from, uint64_t size, uint64_t *ret)
{
	const struct http_response *p = http_head(t);
	AUTO_FREE char *want = xasprintf("bytes %llu-%llu/%llu", (unsigned long long)from,
					 (unsigned long long)size - 1, (unsigned long long)size);

	*ret = p->status == 206 ? from : 0;
	if (p->status != 206 || (from && p->content_range && strcmp(p->content_range, want) == 0))
		return 0;
	return err_new(-CE_NETWORK, "asked for \"%s\", got \"%.100s\"", want,
		       p->content_range ? p->content_range : "");
}
