/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/transfer/layers_internal.h"
#include "pkg/transfer/verify.h"

#define PROGRESS (64U << 10)
#define KEPT_PIECE (256U << 10)
#define RETRY_DELAY_MAX_MS 60000

/* Write what the pipe takes now. A worker that is gone takes nothing more. */
static void pipe_write(struct layer *l, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n && !l->worker_gone) {
		ssize_t w = write(l->job.input_fd, p + at, n - at);

		if (w >= 0)
			at += (size_t)w;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			l->worker_gone = true;
	}
	if (!l->worker_gone && at < n)
		sbuf_add(&l->rest, p + at, n - at);
}

void fetch_flush(struct layer *l)
{
	struct sbuf old = l->rest;

	if (old.len == 0)
		return;
	l->rest = (struct sbuf)SBUF_INIT;
	pipe_write(l, old.s, old.len);
	sbuf_done(&old);
}

/* A server that knows no ranges sends all of it again: what was there before is passed over. */
static int first_bytes(struct layer *l)
{
	uint64_t offset;
	int r = registry_blob_offset(l->transfer, l->from, l->blob->size, &offset);

	l->begun = true;
	l->no_parts = r < 0;
	l->skip = l->from - offset;
	return r;
}

/* What a piece of the blob does, wherever it comes from. */
static void take(struct layer *l, const char *p, size_t n)
{
	hash_add(l->hash, p, n);
	l->got += n;
	pipe_write(l, p, n);
	fetch_report(l, TRANSFER_RUNNING);
}

static int on_bytes(void *data, const void *bytes, size_t n)
{
	struct layer *l = data;
	const char *p = bytes;
	int r;

	fetch_flush(l);
	if (l->rest.len > 0)
		return HTTP_PAUSE;
	r = l->begun ? 0 : first_bytes(l);
	if (r < 0)
		return r;
	if (l->skip) {
		size_t known = n < l->skip ? n : (size_t)l->skip;

		l->skip -= known;
		p += known;
		n -= known;
	}
	if (n > l->blob->size - l->got)
		return err_new(-CE_BAD_SIZE, "more than %llu bytes",
			       (unsigned long long)l->blob->size);
	blob_keeper_add(&l->keeper, p, n);
	take(l, p, n);
	return 0;
}

/* From the first byte: what is here of it is no good, or cannot be gone on from. */
static void begin_anew(struct layer *l)
{
	blob_keeper_drop(&l->keeper);
	fetch_end_attempt(l);
	l->state = LAYER_NEW;
}

/* Told at once, however long ago it was told of last. */
static void enter(struct layer *l, enum layer_state state)
{
	l->state = state;
	l->reported_ns = 0;
	fetch_report(l, TRANSFER_RUNNING);
}

/* All bytes are there. A part that was kept may be at fault; what just came is judged for good. */
static int whole(struct layer *l)
{
	int r = verify_hash(l->hash, l->blob->digest);

	if (r < 0 && l->kept) {
		report_message(l->q->ctx, true,
			       "blob %s: what was kept of it is not right; from the beginning",
			       l->label);
		err_drop();
		begin_anew(l);
		return 0;
	}
	if (r < 0)
		return r;
	enter(l, LAYER_UNPACKING);
	return 0;
}

/* Ask for what is missing. */
int fetch_request(struct layer *l)
{
	int r;

	http_stop(l->transfer);
	l->from = l->got;
	l->skip = 0;
	l->begun = false;
	l->transfer = registry_blob(l->q->registry, l->blob->digest, l->from, l->blob->size,
				    on_bytes, l, &r);
	if (!l->transfer)
		return r;
	enter(l, LAYER_LOADING);
	return 0;
}

/* As much of the kept part as the pipe takes now. The keeper's file stays where the rest goes: at its end. */
int fetch_read_kept(struct layer *l)
{
	AUTO_FREE char *buf = xmalloc(KEPT_PIECE);

	while (l->rest.len == 0 && l->got < l->kept) {
		uint64_t left = l->kept - l->got;
		ssize_t n = pread(l->keeper.fd, buf, left < KEPT_PIECE ? (size_t)left : KEPT_PIECE,
				  (off_t)l->got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_new(n < 0 ? -errno : -CE_CORRUPT, "the kept part of a download");
		take(l, buf, (size_t)n);
	}
	if (l->got < l->kept || l->rest.len > 0)
		return 0;
	return l->got == l->blob->size ? whole(l) : fetch_request(l);
}

/* A connection that broke is worth another request for the rest; one that gets on costs no try. */
static int attempt_failed(struct layer *l, int r)
{
	uint64_t ms = l->q->registry->retry_delay_ms;

	if (l->no_parts && l->tries <= l->q->registry->retries) {
		err_drop();
		l->tries++;
		begin_anew(l);
		return 0;
	}
	if (l->got - l->from >= PROGRESS)
		l->tries = 0;
	if ((r != -CE_NETWORK && r != -CE_TIMEOUT) || l->got == 0 ||
	    l->tries >= l->q->registry->retries)
		return r;
	for (unsigned i = 0; i < l->tries && ms < RETRY_DELAY_MAX_MS; i++)
		ms *= 2;
	report_message(l->q->ctx, true, "blob %s: %s; trying again", l->label, err_trail());
	err_drop();
	l->tries++;
	http_stop(l->transfer);
	l->transfer = NULL;
	l->state = LAYER_PAUSE;
	l->again_at_ns = clock_monotonic_ns() + (int64_t)ms * NS_PER_MS;
	return 0;
}

/* An answer that is no blob: a new token may do, once. */
static int not_a_blob(struct layer *l, const struct http_response *p)
{
	AUTO_FREE char *what = xasprintf("blob %s", l->label);
	bool again;
	int r = registry_judge(l->q->registry, p, what, &again);

	if (r < 0)
		return r;
	if (!again || l->tries >= l->q->registry->retries + 1)
		return err_new(-CE_DENIED, "%s", what);
	l->tries++;
	fetch_end_attempt(l);
	l->state = LAYER_NEW;
	return 0;
}

int fetch_loaded(struct layer *l)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	int r = http_finished(l->transfer);

	if (r < 0)
		return attempt_failed(l, r);
	http_take_response(l->transfer, &p);
	if (p.status == 416 && l->from > 0) { /* no parts from this one */
		begin_anew(l);
		return ++l->tries > l->q->registry->retries + 1 ? not_a_blob(l, &p) : 0;
	}
	if (p.status != 200 && p.status != 206)
		return not_a_blob(l, &p);
	l->q->registry->token_did = true;
	if (l->got != l->blob->size)
		return err_new(-CE_BAD_SIZE, "%llu bytes instead of %llu",
			       (unsigned long long)l->got, (unsigned long long)l->blob->size);
	return whole(l);
}

/* The worker's pipe is drained: let it see the end. Its report is the event to wait for. */
void fetch_end_input(struct layer *l)
{
	fetch_flush(l);
	if (l->rest.len == 0 || l->worker_gone)
		closep(&l->job.input_fd);
}
