/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/transfer.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

/* A lost event is not worth an error: a caller that is gone is noticed by transfer_cancelled(). */
static void post(struct transfer_ctx *ctx, const struct sbuf *b, bool may_drop)
{
	ssize_t n;

	do {
		n = send(ctx->channel, b->s, b->len, MSG_NOSIGNAL | (may_drop ? MSG_DONTWAIT : 0));
	} while (n < 0 && errno == EINTR);
}

void report_progress(struct transfer_ctx *ctx, const struct transfer_progress *p)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	transfer_put_progress(&b, p);
	post(ctx, &b, p->state < TRANSFER_DONE);
}

void report_message(struct transfer_ctx *ctx, bool warning, const char *fmt, ...)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT, text = SBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	sbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	transfer_put_message(&b, warning, text.s);
	post(ctx, &b, false);
}

void report_image(struct transfer_ctx *ctx, const char *reference, const char *id)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	transfer_put_image(&b, reference, id);
	post(ctx, &b, false);
}

int transfer_cancelled(struct transfer_ctx *ctx)
{
	struct pollfd p = {.fd = ctx->channel, .events = POLLIN | POLLRDHUP};

	if (poll(&p, 1, 0) > 0)
		return err_new(-CE_INTERRUPTED, "transfer");
	return 0;
}
