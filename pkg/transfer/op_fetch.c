/* SPDX-License-Identifier: MIT */
/* The operation "fetch": one URL into a file, for ADD and for contexts of builds; or whether it is what it was. */
#include <string.h>
#include <time.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/http/http.h"
#include "pkg/http/url.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/transfer.h"

#define RETRIES 2
#define RETRY_MS 500

struct fetch {
	struct transfer_ctx *ctx;
	struct transfer_progress progress;
};

static int take(void *data, const void *p, size_t n)
{
	struct fetch *f = data;
	int r = write_full(f->ctx->fds[0], p, n);

	if (r < 0)
		return err_new(r, "write what is fetched");
	f->progress.done += n;
	report_progress(f->ctx, &f->progress);
	return 0;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; the two older forms of HTTP dates are not sent by anybody any more. */
#define HTTP_DATE "%a, %d %b %Y %H:%M:%S GMT"

/* 0: there is none. */
static time_t modified_of(const struct http_response *answer)
{
	struct tm t = {0};
	const char *date = answer->last_modified;
	const char *end = date ? strptime(date, HTTP_DATE, &t) : NULL;
	time_t when = end && !*end ? timegm(&t) : 0;

	return when > 0 ? when : 0;
}

static const char *etag_of(const struct http_response *answer)
{
	return answer->etag && transfer_etag_is_strong(answer->etag) ? answer->etag : "-";
}

static void report_fetched(struct fetch *f, const struct http_response *answer, const char *shown)
{
	time_t modified = modified_of(answer);
	AUTO_FREE char *id = NULL;
	char text[CLOCK_TEXT_MAX] = "-";

	if (modified)
		clock_format_utc((int64_t)modified * NS_PER_S, text);
	id = xasprintf("%s %s", text, etag_of(answer));
	report_image(f->ctx, answer->url ? answer->url : shown, id);
}

/*
 * By HEAD: servers that know nothing of conditions tell the same tag or time with a 200. Whatever else they
 * say is "other": then it is fetched, and that tells what is wrong.
 */
static int ask(struct fetch *f, const struct transfer_fetch *args, struct http *h,
	       const struct http_policy *policy, const char *shown)
{
	AUTO(http_response_done) struct http_response answer = {.body = SBUF_INIT};
	AUTO_STRV struct strv headers = STRV_INIT;
	const time_t known = (time_t)(args->known_modified_ns / NS_PER_S);
	const struct http_request q = {
		.url = args->url, .method = "HEAD", .headers = &headers, .policy = policy};
	char date[64];
	struct tm t;
	bool same;
	int r;

	if (*args->known_etag)
		strv_addf(&headers, "If-None-Match: %s", args->known_etag);
	if (known && gmtime_r(&known, &t) && strftime(date, sizeof(date), HTTP_DATE, &t))
		strv_addf(&headers, "If-Modified-Since: %s", date);
	r = http_fetch(h, &q, &answer);
	if (r == -CE_INTERRUPTED)
		return r;
	if (r < 0)
		err_drop();
	if (*args->known_etag)
		same = strcmp(etag_of(&answer), args->known_etag) == 0 || !answer.etag;
	else
		same = !answer.last_modified || modified_of(&answer) == known;
	same = same && (answer.status == 304 ||
			(answer.status == 200 &&
			 (*args->known_etag ? answer.etag : answer.last_modified)));
	report_image(f->ctx, shown, r == 0 && same ? "same" : "other");
	return 0;
}

static int fetch(struct fetch *f, const struct transfer_fetch *args, struct http *h)
{
	const struct http_policy policy = {.insecure = !args->tls_verify,
					   .plain = strncmp(args->url, "http://", 7) == 0};
	AUTO(http_response_done) struct http_response answer = {.body = SBUF_INIT};
	const struct http_request q = {.url = args->url,
				       .policy = &policy,
				       .max_body = args->max_bytes,
				       .retries = RETRIES,
				       .retry_delay_ms = RETRY_MS,
				       .sink = take,
				       .data = f};
	AUTO_FREE char *shown = url_shown(args->url);
	int r;

	if (*args->known_etag || args->known_modified_ns)
		return ask(f, args, h, &policy, shown);
	r = http_fetch(h, &q, &answer);
	if (r < 0)
		return r;
	if (answer.status == 404 || answer.status == 410)
		return err_new(-ENOENT, "%s: the server says %u", shown, answer.status);
	if (answer.status != 200)
		return err_new(-CE_NETWORK, "%s: the server says %u", shown, answer.status);
	report_fetched(f, &answer, shown);
	return 0;
}

int transfer_op_fetch(struct transfer_ctx *ctx)
{
	struct fetch f = {.ctx = ctx};
	AUTO(http_freep) struct http *h = NULL;
	struct transfer_fetch args;
	AUTO_FREE char *shown = NULL;
	int r = transfer_fetch_get(&ctx->req, &args);

	if (r == 0 && ctx->n_fds != 1)
		r = err_new(-CE_PROTOCOL, "fetch without a file");
	if (r == 0)
		r = http_new(&h);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	shown = url_shown(args.url);
	f.progress = (struct transfer_progress){.state = TRANSFER_RUNNING, .label = shown};
	(void)http_set_cancel(h, ctx->channel);
	r = fetch(&f, &args, h);
	f.progress.state = TRANSFER_DONE;
	report_progress(ctx, &f.progress);
	return r;
}
