/* SPDX-License-Identifier: MIT */
/*
 * Payload output. A chunk is logged when it is read and stays in the stream's buffer until the
 * foreground caller and each attached client have it; only then is more read, so a full pipe holds
 * the payload back. The foreground may hold it for ever (byte-exact); a client has one second
 * of patience, which grows back slowly, and is then cut off: a container is never hostage.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/conmon/monitor.h"

#define PATIENCE_NS NS_PER_S
#define PATIENCE_REFILL 20 /* of the container's time a client may take one part in this many */
#define ROUNDS 8 /* chunks before others get their turn */
#define KEEP_BYTES 8192
/* What can lie in a pipe or pty when its last writer died; more comes from somebody who still lives. */
#define DRAIN_MAX ((size_t)1 << 20)

bool stream_is_pending(const struct stream *s)
{
	return s->len > 0;
}

bool stream_wants_read(const struct stream *s)
{
	return s->fd >= 0 && s->len == 0;
}

static void end_stream(struct monitor *m, struct stream *s)
{
	if (s->fd != m->in.fd) /* the pty master serves both ways and ends with the container */
		closep(&s->fd);
	s->fd = -EBADF;
}

/* The pipe's reader is gone: the payload learns it as it would in a shell's pipeline, by EPIPE. */
static void lose_front(struct monitor *m, struct stream *s, int error)
{
	bool pipe = s->front.is_pipe;

	sink_drop(&s->front);
	if (pipe && !m->cfg.terminal && (error == -EPIPE || error == -ECONNRESET))
		end_stream(m, s);
}

static void give_front(struct monitor *m, struct stream *s)
{
	while (s->front.fd >= 0 && s->done < s->len) {
		ssize_t n = sink_write(&s->front, s->buf + s->done, s->len - s->done);

		if (n == 0)
			return;
		if (n < 0)
			lose_front(m, s, (int)n);
		else
			s->done += (size_t)n;
	}
}

static bool client_is_lost(struct client *c, int64_t now)
{
	if (c->stalled_ns == 0) {
		int64_t more = (now - c->seen_ns) / PATIENCE_REFILL;

		c->patience_ns = c->patience_ns + more > PATIENCE_NS ? PATIENCE_NS
								     : c->patience_ns + more;
		c->stalled_ns = c->seen_ns = now;
		return false;
	}
	return now - c->stalled_ns > c->patience_ns;
}

static void give_client(struct monitor *m, struct stream *s, unsigned i)
{
	struct client *c = &m->clients[i];
	int64_t now;
	int r = control_send(c, CM_OUTPUT, s->tag, 0, s->buf, s->len);

	if (r == -EAGAIN) {
		now = clock_monotonic_ns();
		if (!client_is_lost(c, now))
			return;
		(void)control_send(c, CM_DROPPED, 0, 0, NULL, 0);
	}
	if (r < 0) {
		control_close(m, i);
		return;
	}
	if (c->stalled_ns) {
		now = clock_monotonic_ns();
		/* A terminal's user reads as fast as it can; a service does not wait for its watcher. */
		c->patience_ns = m->cfg.terminal ? PATIENCE_NS
						 : c->patience_ns - (now - c->stalled_ns);
		c->stalled_ns = 0;
		c->seen_ns = now;
	}
	s->waiting &= ~(1ULL << i);
}

static bool flush_chunk(struct monitor *m, struct stream *s)
{
	give_front(m, s);
	for (unsigned i = 0; s->waiting && i < CLIENTS_MAX; i++)
		if (s->waiting >> i & 1)
			give_client(m, s, i);
	if (s->len == 0 || (s->waiting == 0 && (s->front.fd < 0 || s->done == s->len))) {
		s->len = 0;
		return true;
	}
	return false;
}

/* Return: false when there is nothing more now. */
static bool read_chunk(struct monitor *m, struct stream *s)
{
	ssize_t n = read(s->fd, s->buf, CM_OUTPUT_MAX);

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN) {
		if (m->exited)
			end_stream(m, s);
		return false;
	}
	if (n <= 0) { /* EIO: a pty whose other side is gone */
		end_stream(m, s);
		return false;
	}
	s->len = (size_t)n;
	s->done = 0;
	s->waiting = 0;
	s->big |= n > KEEP_BYTES;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0 && m->clients[i].attached && i != CONTROL)
			s->waiting |= 1ULL << i;
	if (log_add(&m->log, s->tag, s->buf, s->len))
		monitor_event(m, "log-rotation", NULL);
	if (m->exited && (s->last_drain += s->len) > DRAIN_MAX)
		end_stream(m, s);
	return true;
}

void stream_pump(struct monitor *m, struct stream *s)
{
	/* Always ends with a look at the chunk: one that nobody waits for must not stay. */
	for (int i = 0; !s->len || flush_chunk(m, s); i++)
		if (i == ROUNDS || s->fd < 0 || !read_chunk(m, s))
			return;
}

void stream_forget_client(struct monitor *m, unsigned i)
{
	m->out.waiting &= ~(1ULL << i);
	m->err.waiting &= ~(1ULL << i);
}

void stream_end_front(struct monitor *m)
{
	sink_drop(&m->out.front);
	sink_drop(&m->err.front);
}

/* Only whole pages inside; what they held is not needed any more. */
static void trim(char *buf, size_t size)
{
	uintptr_t from = ((uintptr_t)buf + KEEP_BYTES + 4095) & ~(uintptr_t)4095;
	uintptr_t to = ((uintptr_t)buf + size) & ~(uintptr_t)4095;

	(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

bool stream_wants_trim(const struct monitor *m)
{
	return (m->out.big && !m->out.len) || (m->err.big && !m->err.len) ||
	       m->log.most > KEEP_BYTES;
}

/* Called after a quiet second: a busy minute does not decide the memory of an idle year. */
void stream_trim(struct monitor *m)
{
	struct stream *const streams[] = {&m->out, &m->err};

	if (m->log.most > KEEP_BYTES) /* empty between two chunks */
		trim(m->log.buf, sizeof(m->log.buf));
	m->log.most = 0;
	for (unsigned i = 0; i < ARRAY_LEN(streams); i++)
		if (streams[i]->big && streams[i]->len == 0) {
			trim(streams[i]->buf, CM_OUTPUT_MAX);
			streams[i]->big = false;
		}
}
