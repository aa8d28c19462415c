/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/source.h"

#include <poll.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"

struct source {
	struct stream base;
	struct transfer_ctx *ctx;
	int fd;
};

static ssize_t source_read(struct stream *s, void *p, size_t n)
{
	struct source *src = (struct source *)s;

	for (;;) {
		struct pollfd pfd[2] = {{src->fd, POLLIN, 0}, {src->ctx->channel, POLLIN, 0}};
		ssize_t got;
		int r;

		if (poll(pfd, 2, -1) < 0 && errno != EINTR)
			return err_new(-errno, "poll");
		r = pfd[1].revents ? transfer_cancelled(src->ctx) : 0;
		if (r < 0)
			return r;
		if (!pfd[0].revents)
			continue;
		got = read(src->fd, p, n);
		if (got >= 0)
			return got;
		if (errno != EINTR && errno != EAGAIN)
			return err_new(-errno, "read the archive");
	}
}

static void source_close(struct stream *s)
{
	free(s);
}

struct stream *source_new(struct transfer_ctx *ctx, int fd)
{
	static const struct stream_ops ops = {source_read, source_close};
	struct source *s = xcalloc(1, sizeof(*s));

	s->base.ops = &ops;
	s->ctx = ctx;
	s->fd = fd;
	return &s->base;
}
