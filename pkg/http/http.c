/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *   A transfer is a request on its way through hops: each redirect and each retry is a fresh easy
 *   handle (setup.c) added to the one multi handle. http_wait() is the only place that sleeps: on
 *   curl's sockets, on the caller's descriptors, on the cancel descriptor and until the next retry
 *   is due. A finished hop becomes one of: the next hop, a wait for the next try, or the outcome.
 *   Codes and words of a failure are kept with its transfer, since others run at the same time.
 */
#include "pkg/http/http.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/http/http_internal.h"
#include "pkg/http/libcurl.h"
#include "pkg/http/url.h"
#include "pkg/sys/random.h"

#define RETRY_DELAY_MAX_MS 60000
#define WAIT_FDS_MAX 64

struct http {
	CURLM *multi;
	struct http_transfer *all;
	int cancel_fd;
};

int http_new(struct http **ret)
{
	struct http *h;
	int r = libcurl_ready();

	if (r < 0)
		return r;
	h = xcalloc(1, sizeof(*h));
	h->cancel_fd = -EBADF;
	h->multi = curl_multi_init();
	/* One stream a connection: a paused layer must not hold up the others. */
	(void)curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	*ret = h;
	return 0;
}

void http_freep(struct http **hp)
{
	struct http *h = *hp;

	if (!h)
		return;
	while (h->all)
		http_stop(h->all);
	(void)curl_multi_cleanup(h->multi);
	free(h);
	*hp = NULL;
}

int http_set_cancel(struct http *h, int fd)
{
	int before = h->cancel_fd;

	h->cancel_fd = fd;
	return before;
}

static void finish(struct http_transfer *t, int r)
{
	t->finished = true;
	t->code = r;
	if (r < 0) {
		freep(&t->trail);
		t->trail = xstrdup(err_trail());
	}
}

bool http_writes(const struct http_transfer *t)
{
	return t->form ||
	       (t->method && strcmp(t->method, "GET") != 0 && strcmp(t->method, "HEAD") != 0);
}

static void leave_multi(struct http_transfer *t)
{
	if (!t->easy)
		return;
	(void)curl_multi_remove_handle(t->h->multi, t->easy);
	setup_clear(t);
}

static void start_hop(struct http_transfer *t)
{
	AUTO_FREE char *shown = url_shown(t->hop_url);
	int r;

	answer_reset(t);
	log_debug("http", "%s %s", t->method ? t->method : t->form ? "POST" : "GET", shown);
	r = setup_hop(t);
	if (r == 0 && curl_multi_add_handle(t->h->multi, t->easy) != CURLM_OK)
		r = err_new(-CE_NETWORK, "curl");
	if (r < 0) {
		setup_clear(t);
		finish(t, r);
	}
}

struct http_transfer *http_start(struct http *h, const struct http_request *q)
{
	struct http_transfer *t = xcalloc(1, sizeof(*t));

	t->h = h;
	t->next = h->all;
	h->all = t;
	t->url = xstrdup(q->url);
	t->hop_url = xstrdup(q->url);
	t->method = q->method ? xstrdup(q->method) : NULL;
	t->authorization = q->authorization ? xstrdup(q->authorization) : NULL;
	t->form = q->form ? xstrdup(q->form) : NULL;
	t->body_fd = q->body_fd;
	t->body_size = q->body_size;
	t->sent = q->sent;
	if (q->body) {
		t->body = xmalloc(q->body_size + 1);
		memcpy(t->body, q->body, q->body_size);
	}
	if (q->headers)
		strv_add_all(&t->headers, q->headers);
	t->policy = *q->policy;
	t->max_body = q->max_body;
	t->timeout_s = q->timeout_s;
	t->retries = q->retries;
	t->retry_delay_ms = q->retry_delay_ms;
	t->sink = q->sink;
	t->data = q->data;
	t->response = (struct http_response){.body = SBUF_INIT};
	start_hop(t);
	return t;
}

void http_stop(struct http_transfer *t)
{
	struct http_transfer **p;

	if (!t)
		return;
	for (p = &t->h->all; *p != t; p = &(*p)->next)
		;
	*p = t->next;
	leave_multi(t);
	if (t->authorization)
		explicit_bzero(t->authorization, strlen(t->authorization));
	if (t->form)
		explicit_bzero(t->form, strlen(t->form));
	http_response_done(&t->response);
	freep(&t->url);
	freep(&t->hop_url);
	freep(&t->method);
	freep(&t->authorization);
	freep(&t->form);
	freep(&t->body);
	freep(&t->location);
	freep(&t->trail);
	strv_done(&t->headers);
	free(t);
}

int http_finished(struct http_transfer *t)
{
	if (!t->finished)
		return 0;
	return t->code < 0 ? err_set(t->code, t->trail ? t->trail : "") : 1;
}

void http_take_response(struct http_transfer *t, struct http_response *ret)
{
	*ret = t->response;
	t->response = (struct http_response){.body = SBUF_INIT};
}

const struct http_response *http_head(struct http_transfer *t)
{
	long status = 0;

	if (t->easy)
		(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status)
		t->response.status = (unsigned)status;
	return &t->response;
}

void http_resume(struct http_transfer *t)
{
	if (t->easy)
		(void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

/* Worth another try: the connection or the server hiccuped. Not: refused, unknown, not trusted. */
static bool is_passing(CURLcode c)
{
	return c == CURLE_OPERATION_TIMEDOUT || c == CURLE_SEND_ERROR || c == CURLE_RECV_ERROR ||
	       c == CURLE_GOT_NOTHING || c == CURLE_PARTIAL_FILE || c == CURLE_HTTP2 ||
	       c == CURLE_HTTP2_STREAM;
}

static bool is_passing_status(long status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static int64_t retry_delay_ms(const struct http_transfer *t)
{
	uint64_t ms = t->retry_delay_ms;
	uint32_t jitter;

	if (t->retry_after_s > 0)
		return (int64_t)t->retry_after_s * 1000;
	for (unsigned i = 1; i < t->tries && ms < RETRY_DELAY_MAX_MS; i++)
		ms *= 2;
	if (ms > RETRY_DELAY_MAX_MS)
		ms = RETRY_DELAY_MAX_MS;
	random_bytes(&jitter, sizeof(jitter));
	return (int64_t)(ms + jitter % (ms / 8 + 1));
}

static bool try_again(struct http_transfer *t)
{
	if (t->used_body || t->tries >= t->retries)
		return false;
	t->tries++;
	t->retry_at_ns = clock_monotonic_ns() + retry_delay_ms(t) * NS_PER_MS;
	freep(&t->hop_url);
	t->hop_url = xstrdup(t->url);
	t->hops = 0;
	return true;
}

static int failure(struct http_transfer *t, CURLcode c)
{
	AUTO_FREE char *shown = url_shown(t->hop_url);
	const char *words = *t->curl_words ? t->curl_words : curl_easy_strerror(c);
	int code = -CE_NETWORK;

	if (t->failed < 0)
		return err_set(t->failed, t->trail);
	if (c == CURLE_OPERATION_TIMEDOUT)
		code = -CE_TIMEOUT;
	if (c == CURLE_FILESIZE_EXCEEDED)
		code = -CE_LIMIT;
	if (c == CURLE_PEER_FAILED_VERIFICATION)
		return err_new(code,
			       "%s: the certificate is not trusted (%s); its authority belongs "
			       "into certs.d, or "
			       "--tls-verify=false trusts anybody",
			       shown, words);
	if (c == CURLE_SSL_CONNECT_ERROR && strstr(words, "wrong version number"))
		return err_new(
			code,
			"%s: the server does not speak TLS (--tls-verify=false allows plain HTTP)",
			shown);
	return err_new(code, "%s: %s", shown, words);
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void follow_redirect(struct http_transfer *t)
{
	AUTO_FREE char *to = NULL, *shown = url_shown(t->hop_url);
	int r;

	if (t->hops >= HTTP_REDIRECTS_MAX) {
		finish(t, err_new(-CE_LIMIT, "%s: redirects", shown));
		return;
	}
	r = url_redirect(t->hop_url, t->location, t->policy.plain, &to);
	if (r < 0) {
		finish(t, err_wrap(r, "%s", shown));
		return;
	}
	t->hops++;
	freep(&t->hop_url);
	t->hop_url = TAKE_PTR(to);
	start_hop(t);
}

static void end_hop(struct http_transfer *t, CURLcode c)
{
	long status = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	leave_multi(t);
	if (c != CURLE_OK && !t->enough) {
		if (!(t->failed == 0 && is_passing(c) && try_again(t)))
			finish(t, failure(t, c));
		return;
	}
	/* A form carries secrets, a body is for this origin: neither goes wherever the answer points. */
	if (is_redirect(status) && t->location && !http_writes(t)) {
		follow_redirect(t);
		return;
	}
	if (is_passing_status(status) && try_again(t))
		return;
	t->response.status = (unsigned)status;
	t->response.location = TAKE_PTR(t->location);
	t->response.foreign = !url_same_origin(t->url, t->hop_url);
	t->response.url = url_shown(t->hop_url);
	finish(t, 0);
}

static void collect(struct http *h)
{
	struct http_transfer *t;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		CURLcode c = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		end_hop(t, c);
	}
}

/* Starts what is due; returns how long the earliest other one still waits. */
static int due_retries(struct http *h, int timeout_ms)
{
	int64_t now = clock_monotonic_ns();

	for (struct http_transfer *t = h->all; t; t = t->next) {
		int64_t ms;

		if (t->retry_at_ns == 0)
			continue;
		ms = (t->retry_at_ns - now + NS_PER_MS - 1) / NS_PER_MS;
		if (ms <= 0) {
			t->retry_at_ns = 0;
			start_hop(t);
			timeout_ms = 0;
		} else if (ms < timeout_ms) {
			timeout_ms = (int)ms;
		}
	}
	return timeout_ms;
}

int http_wait(struct http *h, struct pollfd *more, unsigned n, int timeout_ms)
{
	struct curl_waitfd w[WAIT_FDS_MAX + 1];
	int running;

	if (n > WAIT_FDS_MAX)
		return err_new(-EINVAL, "http_wait");
	timeout_ms = due_retries(h, timeout_ms);
	for (unsigned i = 0; i < n; i++)
		w[i] = (struct curl_waitfd){
			.fd = more[i].fd,
			.events = (short)((more[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
					  (more[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0))};
	if (h->cancel_fd >= 0)
		w[n] = (struct curl_waitfd){.fd = h->cancel_fd, .events = CURL_WAIT_POLLIN};
	(void)curl_multi_poll(h->multi, w, n + (h->cancel_fd >= 0), timeout_ms, NULL);
	if (h->cancel_fd >= 0) {
		struct pollfd c = {.fd = h->cancel_fd, .events = POLLIN};

		if (poll(&c, 1, 0) > 0)
			return err_new(-CE_INTERRUPTED, "transfer");
	}
	if (n > 0)
		(void)poll(more, n, 0);
	(void)curl_multi_perform(h->multi, &running);
	collect(h);
	return 0;
}

int http_fetch(struct http *h, const struct http_request *q, struct http_response *ret)
{
	struct http_transfer *t = http_start(h, q);
	int r;

	while ((r = http_finished(t)) == 0) {
		r = http_wait(h, NULL, 0, 1000);
		if (r < 0)
			break;
	}
	if (r > 0)
		http_take_response(t, ret);
	http_stop(t);
	return r < 0 ? r : 0;
}
