/* SPDX-License-Identifier: MIT */
/*
 * Blobs into a repository (R6). An upload is a POST, which says where, a PATCH with all bytes,
 * and a PUT with the digest. Where it says has to be the registry itself (G05). A connection that
 * broke in between is answered by a new upload, after a look whether the old one arrived after all.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/transfer/registry.h"

#define SMALL_TIMEOUT_S 120
#define CANCEL_S 2

static int small(struct registry *r, const char *method, const char *url, const char *what,
		 struct http_response *ret)
{
	struct http_request q = {.url = url,
				 .method = method,
				 .max_body = HTTP_ERROR_BODY_MAX,
				 .timeout_s = SMALL_TIMEOUT_S,
				 .retries = r->retries};

	return registry_exchange(r, &q, what, ret);
}

int registry_has_blob(struct registry *r, const char *digest)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *url = xasprintf("%s/v2/%s/blobs/%s", r->base, r->path, digest);
	int e = small(r, "HEAD", url, "blob", &p);

	if (e == -CE_NO_IMAGE) {
		err_drop();
		return 0;
	}
	return e < 0 ? e : p.status == 200;
}

/* Up in the path: no registry has reason to, and one that is deceived is not followed (G05). */
static bool climbs(const char *location)
{
	for (const char *at = location; *at && *at != '?' && *at != '#';) {
		size_t n = strcspn(at, "/?#");

		if (n == 2 && at[0] == '.' && at[1] == '.')
			return true;
		at += n + (at[n] == '/');
	}
	return false;
}

/* The Location of an upload, absolute; it must be where we have authorization for. */
static int take_location(struct registry *r, const char *asked, struct http_response *p, char **ret)
{
	int e;

	if (!p->location)
		return err_new(-CE_BAD_FORMAT, "%s says not where to upload to", r->host);
	if (climbs(p->location))
		return err_new(-CE_UNSAFE, "%s wants the upload to go to '%.200s'", r->host,
			       p->location);
	e = url_redirect(asked, p->location, r->policy.plain, ret);
	if (e < 0)
		return err_wrap(e, "%s", r->host);
	if (url_same_origin(*ret, r->base))
		return 0;
	freep(ret);
	return err_new(-CE_UNSAFE, "%s wants the upload to go to another server", r->host);
}

/*
 * An upload that nobody is going to use; the registry would forget it by itself, later. Asked for once,
 * with the token that there is: some want a right to delete for it, and a token that has only that would
 * take the place of the one to push. After ^C as well, shortly. @code: the error, whose trail stays; or 0.
 */
static void cancel(struct registry *r, const char *location, int code)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *words = xstrdup(err_trail()), *authorization = NULL;
	struct http_request q = {.url = location,
				 .method = "DELETE",
				 .policy = &r->policy,
				 .max_body = HTTP_ERROR_BODY_MAX,
				 .timeout_s = CANCEL_S};
	int canceller = http_set_cancel(r->http, -EBADF);
	int e = registry_authorization(r, &authorization);

	q.authorization = authorization;
	if (e == 0)
		e = http_fetch(r->http, &q, &p);
	(void)http_set_cancel(r->http, canceller);
	if (e < 0)
		err_drop();
	if (code < 0)
		(void)err_set(code, words);
}

int registry_mount(struct registry *r, const char *digest, const char *from)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *escaped = url_escape(from), *location = NULL;
	AUTO_FREE char *url = xasprintf("%s/v2/%s/blobs/uploads/?mount=%s&from=%s", r->base,
					r->path, digest, escaped);
	int e = small(r, "POST", url, "mount", &p);

	if (e < 0 && e != -CE_INTERRUPTED) { /* no right to read there: it is sent instead */
		log_debug("registry", "mount %.19s from %s: %s", digest, from, err_message(e));
		err_drop();
		return 0;
	}
	if (e < 0 || p.status == 201)
		return e < 0 ? e : 1;
	if (take_location(r, url, &p, &location) == 0)
		cancel(r, location, 0);
	else
		err_drop();
	return 0;
}

static int upload_begin(struct registry *r, const char *what, char **ret_location)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *url = xasprintf("%s/v2/%s/blobs/uploads/", r->base, r->path);
	int e = small(r, "POST", url, what, &p);

	return e < 0 ? e : take_location(r, url, &p, ret_location);
}

static int upload_bytes(struct registry *r, const struct upload *u, const char *what,
			char **location)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_STRV struct strv headers = STRV_INIT;
	struct http_request q = {.url = *location,
				 .method = "PATCH",
				 .headers = &headers,
				 .body = u->memory,
				 .body_fd = u->fd,
				 .body_size = u->size,
				 .sent = u->told,
				 .data = u->data,
				 .max_body = HTTP_ERROR_BODY_MAX};
	char *next = NULL;
	int e;

	strv_add(&headers, "Content-Type: application/octet-stream");
	e = registry_exchange(r, &q, what, &p);
	if (e == 0)
		e = take_location(r, *location, &p, &next);
	if (e < 0)
		return e;
	free(*location);
	*location = next;
	return 0;
}

static int upload_end(struct registry *r, const struct upload *u, const char *what,
		      const char *location)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *url = xasprintf("%s%cdigest=%s", location,
					strchr(location, '?') ? '&' : '?', u->digest);
	/* The server hashes all of it before it answers. */
	struct http_request q = {.url = url, .method = "PUT", .max_body = HTTP_ERROR_BODY_MAX};
	int e = registry_exchange(r, &q, what, &p);

	if (e == 0 && p.status != 201)
		e = err_new(-CE_NETWORK, "%s: %s answers with status %u", what, r->host, p.status);
	if (e == 0 && p.content_digest && strcmp(p.content_digest, u->digest) != 0)
		e = err_new(-CE_BAD_DIGEST, "%s: %s made %.80s of it", what, r->host,
			    p.content_digest);
	return e;
}

static int upload_once(struct registry *r, const struct upload *u, const char *what)
{
	AUTO_FREE char *location = NULL;
	int e = upload_begin(r, what, &location);

	if (e < 0)
		return e;
	e = upload_bytes(r, u, what, &location);
	if (e == 0)
		return upload_end(r, u, what, location);
	if (e != -CE_NETWORK && e != -CE_TIMEOUT)
		cancel(r, location, e);
	return e;
}

static int pause_before(struct registry *r, unsigned tries)
{
	int64_t until = clock_monotonic_ns() + ((int64_t)r->retry_delay_ms << tries) * NS_PER_MS;

	for (;;) {
		int64_t left = (until - clock_monotonic_ns()) / NS_PER_MS;
		int e = left > 0 ? http_wait(r->http, NULL, 0, (int)left) : 0;

		if (e < 0 || left <= 0)
			return e;
	}
}

int registry_upload(struct registry *r, const struct upload *u)
{
	AUTO_FREE char *what = xasprintf("upload of %.19s", u->digest);

	for (unsigned tries = 0;; tries++) {
		int e = upload_once(r, u, what);

		if ((e != -CE_NETWORK && e != -CE_TIMEOUT) || tries >= r->retries)
			return e;
		log_debug("registry", "%s; again", err_message(e));
		err_drop();
		e = pause_before(r, tries);
		if (e == 0)
			e = registry_has_blob(r, u->digest);
		if (e != 0)
			return e < 0 ? e : 0;
	}
}

/* --- beside others ----------------------------------------------------------------------------- */

void registry_upload_drop(struct upload_beside *b, int code)
{
	http_stop(b->transfer);
	if (b->location && code < 0)
		cancel(b->registry, b->location, code);
	freep(&b->what);
	freep(&b->location);
	freep(&b->authorization);
	strv_done(&b->headers);
	*b = (struct upload_beside){0};
}

int registry_upload_begin(struct registry *r, const struct upload *u, struct upload_beside *ret)
{
	struct upload_beside *b = ret;
	struct http_request q = {.method = "PATCH",
				 .policy = &r->policy,
				 .body = u->memory,
				 .body_fd = u->fd,
				 .body_size = u->size,
				 .sent = u->told,
				 .data = u->data,
				 .max_body = HTTP_ERROR_BODY_MAX};
	int e;

	*b = (struct upload_beside){.registry = r, .u = *u};
	b->what = xasprintf("upload of %.19s", u->digest);
	e = upload_begin(r, b->what, &b->location);
	if (e == 0)
		e = registry_authorization(r, &b->authorization);
	if (e < 0) {
		registry_upload_drop(b, e);
		return e;
	}
	strv_add(&b->headers, "Content-Type: application/octet-stream");
	q.url = b->location;
	q.headers = &b->headers;
	q.authorization = b->authorization;
	b->transfer = http_start(r->http, &q);
	return 0;
}

bool registry_upload_ready(const struct upload_beside *b)
{
	return http_finished(b->transfer) != 0;
}

/* 1 when it has to be done again. */
static int end_beside(struct upload_beside *b)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *next = NULL;
	int e;

	while ((e = http_finished(b->transfer)) == 0) {
		e = http_wait(b->registry->http, NULL, 0, 1000);
		if (e < 0)
			return e;
	}
	if (e < 0)
		return e == -CE_NETWORK || e == -CE_TIMEOUT ? 1 : e;
	http_take_response(b->transfer, &p);
	if (p.status / 100 != 2)
		return 1; /* a token that ran out, a server that is busy: who asks again hears why */
	e = take_location(b->registry, b->location, &p, &next);
	return e < 0 ? e : upload_end(b->registry, &b->u, b->what, next);
}

int registry_upload_finish(struct upload_beside *b)
{
	int e = end_beside(b);

	if (e > 0 || e == -CE_NETWORK || e == -CE_TIMEOUT) {
		struct registry *r = b->registry;
		struct upload u = b->u;

		if (e < 0)
			log_debug("registry", "%s; again", err_message(e));
		err_drop();
		registry_upload_drop(b, 0);
		e = registry_has_blob(r, u.digest);
		return e == 0 ? registry_upload(r, &u) : e < 0 ? e : 0;
	}
	registry_upload_drop(b, e);
	return e;
}
