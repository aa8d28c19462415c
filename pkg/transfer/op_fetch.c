/* SPDX-License-Identifier: MIT */
/* The operation "fetch": one URL into a file, for ADD and for contexts of builds. */
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
static void modified_text(const char *date, char ret[CLOCK_TEXT_MAX])
{
	struct tm t = {0};
	const char *end = date ? strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &t) : NULL;

	*ret = '\0';
	if (end && !*end && timegm(&t) > 0)
		clock_format_utc((int64_t)timegm(&t) * NS_PER_S, ret);
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
	char modified[CLOCK_TEXT_MAX];
	int r = http_fetch(h, &q, &answer);

	if (r < 0)
		return r;
	if (answer.status == 404 || answer.status == 410)
		return err_new(-ENOENT, "%s", shown);
	if (answer.status != 200)
		return err_new(-CE_NETWORK, "%s: the server says %u", shown, answer.status);
	modified_text(answer.last_modified, modified);
	report_image(f->ctx, answer.url ? answer.url : shown, modified);
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
	http_set_cancel(h, ctx->channel);
	r = fetch(&f, &args, h);
	f.progress.state = TRANSFER_DONE;
	report_progress(ctx, &f.progress);
	return r;
}
