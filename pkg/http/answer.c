/* SPDX-License-Identifier: MIT */
/* What a server sends, header by header and piece by piece, within limits. */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/http/http_internal.h"
#include "pkg/http/url.h"

#define RETRY_AFTER_MAX_S 60

void http_response_done(struct http_response *r)
{
	freep(&r->url);
	freep(&r->content_type);
	freep(&r->content_digest);
	freep(&r->link);
	freep(&r->location);
	freep(&r->content_range);
	freep(&r->last_modified);
	freep(&r->etag);
	freep(&r->warning);
	freep(&r->rate_limit);
	freep(&r->rate_remaining);
	freep(&r->subject);
	strv_done(&r->challenges);
	strv_done(&r->tags);
	sbuf_done(&r->body);
	*r = (struct http_response){.body = SBUF_INIT};
}

void answer_reset(struct http_transfer *t)
{
	http_response_done(&t->response);
	freep(&t->location);
	t->retry_after_s = 0;
	t->header_bytes = 0;
	t->header_count = 0;
	t->body_bytes = 0;
	t->body_at = 0;
	t->enough = false;
	t->failed = 0;
}

/* A callback cannot return our code through curl: keep it, words included, and make curl stop. */
static size_t fail_callback(struct http_transfer *t, int r)
{
	t->failed = r;
	freep(&t->trail);
	t->trail = xstrdup(err_trail());
	return CURL_WRITEFUNC_ERROR;
}

static void replace(char **where, const char *value)
{
	freep(where);
	*where = xstrdup(value);
}

static unsigned retry_after(const char *value)
{
	uint32_t s;
	time_t when;

	if (parse_u32(value, UINT32_MAX, &s) < 0) {
		when = curl_getdate(value, NULL);
		if (when <= time(NULL))
			return 0;
		s = when - time(NULL) > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S
							  : (uint32_t)(when - time(NULL));
	}
	return s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : s;
}

/* One in each header, or several in one. */
static void take_tags(struct http_response *r, const char *value)
{
	while (*value) {
		size_t n = strcspn(value, ", \t");

		if (n)
			strv_take(&r->tags, xstrndup(value, n));
		value += n + strspn(value + n, ", \t");
	}
}

static void take_header(struct http_transfer *t, const char *name, char *value)
{
	struct http_response *r = &t->response;

	if (strcasecmp(name, "content-type") == 0) {
		value[strcspn(value, "; \t")] = '\0';
		replace(&r->content_type, value);
	} else if (strcasecmp(name, "docker-content-digest") == 0) {
		replace(&r->content_digest, value);
	} else if (strcasecmp(name, "www-authenticate") == 0) {
		strv_add(&r->challenges, value);
	} else if (strcasecmp(name, "location") == 0) {
		replace(&t->location, value);
	} else if (strcasecmp(name, "content-range") == 0) {
		replace(&r->content_range, value);
	} else if (strcasecmp(name, "last-modified") == 0) {
		replace(&r->last_modified, value);
	} else if (strcasecmp(name, "etag") == 0) {
		replace(&r->etag, value);
	} else if (strcasecmp(name, "link") == 0) {
		replace(&r->link, value);
	} else if (strcasecmp(name, "warning") == 0) {
		replace(&r->warning, value);
	} else if (strcasecmp(name, "ratelimit-limit") == 0) {
		replace(&r->rate_limit, value);
	} else if (strcasecmp(name, "ratelimit-remaining") == 0) {
		replace(&r->rate_remaining, value);
	} else if (strcasecmp(name, "oci-subject") == 0) {
		replace(&r->subject, value);
	} else if (strcasecmp(name, "oci-tag") == 0) {
		take_tags(r, value);
	} else if (strcasecmp(name, "retry-after") == 0) {
		t->retry_after_s = retry_after(value);
	}
}

size_t on_header(char *p, size_t size, size_t n, void *data)
{
	struct http_transfer *t = data;
	AUTO_FREE char *line = xstrndup(p, n * size);
	char *colon;

	t->header_bytes += n * size;
	if (t->header_bytes > HEADER_BYTES_MAX || ++t->header_count > HEADER_COUNT_MAX)
		return fail_callback(t, err_new(-CE_LIMIT, "headers of the answer"));
	if (strncmp(line, "HTTP/", 5) == 0) { /* a new head: 100 Continue came before */
		http_response_done(&t->response);
		freep(&t->location);
		return n * size;
	}
	line[strcspn(line, "\r\n")] = '\0';
	colon = strchr(line, ':');
	if (colon) {
		*colon = '\0';
		colon++;
		take_header(t, line, colon + strspn(colon, " \t"));
	}
	return n * size;
}

/* An error's body is kept for its words, no more of it than a person would read. */
static size_t keep_error(struct http_transfer *t, const char *p, size_t n)
{
	if (t->response.body.len + n > HTTP_ERROR_BODY_MAX) {
		t->enough = true;
		return CURL_WRITEFUNC_ERROR;
	}
	sbuf_add(&t->response.body, p, n);
	return n;
}

size_t on_body(char *p, size_t size, size_t n, void *data)
{
	struct http_transfer *t = data;
	long status = 0;
	int r;

	n *= size;
	if (n == 0)
		return 0;
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return keep_error(t, p, n);
	if (n > t->max_body - t->body_bytes)
		return fail_callback(t, err_new(-CE_LIMIT, "the answer is larger than %llu bytes",
						(unsigned long long)t->max_body));
	if (!t->sink) {
		sbuf_add(&t->response.body, p, n);
	} else {
		r = t->sink(t->data, p, n);
		if (r == HTTP_PAUSE)
			return CURL_WRITEFUNC_PAUSE;
		if (r < 0)
			return fail_callback(t, r);
		t->used_body = true;
	}
	t->body_bytes += n;
	return n;
}
