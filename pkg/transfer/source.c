/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/source.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"

struct source {
	struct stream base;
	struct transfer_ctx *ctx;
	int fd;
	uint64_t got, total; /* total 0: a pipe, which does not say */
	int64_t reported_ns;
};

#define REPORT_NS (100 * NS_PER_MS)

/* The caller sees how much of the archive is read. */
static void report(struct source *src, enum transfer_state state)
{
	struct transfer_progress p = {
		.label = "archive", .state = state, .done = src->got, .total = src->total};
	int64_t now = clock_monotonic_ns();

	if (state == TRANSFER_RUNNING && now - src->reported_ns < REPORT_NS)
		return;
	src->reported_ns = now;
	report_progress(src->ctx, &p);
}

static ssize_t count(struct source *src, ssize_t got)
{
	src->got += (uint64_t)got;
	report(src, got ? TRANSFER_RUNNING : TRANSFER_DONE);
	return got;
}

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
			return count(src, got);
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
	off_t at = lseek(fd, 0, SEEK_CUR);
	struct stat sb;

	if (at >= 0 && fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_size > at)
		s->total = (uint64_t)(sb.st_size - at);
	s->base.ops = &ops;
	s->ctx = ctx;
	s->fd = fd;
	return &s->base;
}
