/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *   Each layer walks through:  NEW → (EXISTS | LOCKED_OUT → NEW) → KEPT → LOADING → UNPACKING → LINKING → DONE
 *                                                    LOADING → PAUSE → LOADING on a passing failure
 *   NEW         ask the store; take the layer's lock, ask again; stage, worker and request begin
 *   LOCKED_OUT  somebody else fetches it: ask again every POLL_MS (flock has no descriptor to poll)
 *   KEPT        a part that an earlier pull left is hashed and written to the worker's pipe, as if it came
 *   PARTIAL     only what is missing of a zstd:chunked layer comes (layer_partial.h); then UNPACKING, or
 *               NEW again, for all of it
 *   LOADING     curl's bytes are hashed and written to the worker's pipe; what a full pipe does not
 *               take waits in ->rest while the transfer is paused
 *   PAUSE       the connection broke: the next request asks for what is still missing; the worker
 *               waits with what it has
 *   UNPACKING   all bytes are out and their digest is right; wait for the worker's report
 *   LINKING     it has hard links into lower layers: wait until these are DONE; then, as without
 *               links at once, commit
 *   The largest begin first, so that none of them is left alone at the end; one that would be, since
 *   it has more than a processor's share of all bytes, is worked on by several threads.
 *   One thread sleeps for all of them in http_wait(): sockets, full pipes, workers, the canceller.
 *   Nobody blocks on a layer lock while others wait for this process: so two pulls that need the
 *   same layers in different orders cannot lock each other out.
 *
 *   A worker that fails early (not a tar, hostile names) does not hide a wrong digest: the rest is
 *   still read and hashed, and the digest is judged first.
 */
#include "pkg/transfer/layers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/sys/lock.h"
#include "pkg/transfer/blob_keeper.h"
#include "pkg/transfer/layer_partial.h"
#include "pkg/transfer/layer_sink.h"
#include "pkg/transfer/unpack.h"
#include "pkg/transfer/verify.h"
#include "storage/shared.h"

#define POLL_MS 200
#define PROGRESS (64U << 10)
#define KEPT_PIECE (256U << 10)
#define REPORT_NS (100 * NS_PER_MS)
#define RETRY_DELAY_MAX_MS 60000

enum layer_state {
	LAYER_NEW,
	LAYER_LOCKED_OUT,
	LAYER_PARTIAL,
	LAYER_KEPT,
	LAYER_LOADING,
	LAYER_UNPACKING,
	LAYER_LINKING,
	LAYER_PAUSE,
	LAYER_DONE
};

struct layer {
	const struct layers_request *q;
	const struct descriptor *blob;
	const char *diffid;
	uint32_t index;
	char label[16];
	bool large; /* more than a processor's share */
	enum layer_state state;
	int lock_fd;
	int64_t again_at_ns; /* LOCKED_OUT, PAUSE */
	unsigned tries;
	int64_t reported_ns;
	uint64_t told; /* bytes, by the last report */

	/* One attempt. */
	bool staged, working;
	struct layer_stage stage;
	struct unpack_job job;
	struct partial *partial;
	bool assembling, no_partial; /* ->partial makes the archive; it was tried in vain */
	struct http_transfer *transfer;
	struct hash *hash;
	struct blob_keeper keeper;
	uint64_t got;
	uint64_t kept; /* of which an earlier pull left these; 0 once nothing is believed of them */
	bool no_parts; /* the server does not give the rest of a blob */
	uint64_t from,
		skip; /* of the request: where it began; what of the answer is known already */
	bool begun; /* the request has bytes */
	struct sbuf rest; /* received, not yet taken by the pipe */
	bool worker_gone;
	struct unpack_result result;
};

static void report(struct layer *l, enum transfer_state state)
{
	struct transfer_progress p = {.item = l->index, .state = state, .label = l->label};
	int64_t now = clock_monotonic_ns();

	if (state == TRANSFER_RUNNING && now - l->reported_ns < REPORT_NS)
		return;
	l->reported_ns = now;
	p.done = state == TRANSFER_EXISTS || state == TRANSFER_DONE ? l->blob->size
		 : l->state == LAYER_LOCKED_OUT ? part_bytes(l->q->store, l->blob->digest)
						: l->got;
	p.total = l->blob->size;
	l->told = p.done;
	report_progress(l->q->ctx, &p);
}

/* Give up the current attempt, whatever stands of it. */
static void attempt_end(struct layer *l)
{
	http_stop(l->transfer);
	l->transfer = NULL;
	if (l->working)
		unpack_cancel(&l->job);
	l->working = false;
	if (l->staged)
		layer_stage_abort(l->q->store, &l->stage);
	l->staged = false;
	blob_keeper_stop(&l->keeper);
	hash_freep(&l->hash);
	unpack_result_done(&l->result);
	sbuf_done(&l->rest);
	l->rest = (struct sbuf)SBUF_INIT;
	l->got = l->kept = 0;
	l->worker_gone = l->no_parts = false;
}

static void layer_done(struct layer *l)
{
	attempt_end(l);
	partial_free(l->partial);
	closep(&l->lock_fd);
}

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

static void flush_rest(struct layer *l)
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
	report(l, TRANSFER_RUNNING);
}

static int on_bytes(void *data, const void *bytes, size_t n)
{
	struct layer *l = data;
	const char *p = bytes;
	int r;

	flush_rest(l);
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
	attempt_end(l);
	l->state = LAYER_NEW;
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
	l->state = LAYER_UNPACKING;
	l->reported_ns = 0;
	report(l, TRANSFER_RUNNING);
	return 0;
}

/* Ask for what is missing. */
static int request(struct layer *l)
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
	l->state = LAYER_LOADING;
	l->reported_ns = 0;
	report(l, TRANSFER_RUNNING);
	return 0;
}

/* @input: where the archive comes from; 0: from us. */
static int stage_and_worker(struct layer *l, int input)
{
	struct unpack_limits limits = {.single_id = l->q->ctx->req.single_id,
				       .file_marks = store_has_file_marks(l->q->store),
				       .one_thread = !l->large,
				       .input_fd = input};
	int r;

	r = layer_stage_begin(l->q->store, &l->stage);
	if (r < 0)
		return r;
	l->staged = true;
	r = unpack_start(&l->stage, input ? LAYER_PLAIN : LAYER_DETECT, &limits, &l->job);
	l->working = r == 0;
	return r;
}

static int attempt_begin(struct layer *l)
{
	int r = stage_and_worker(l, 0);

	if (r < 0)
		return r;
	if (fcntl(l->job.input_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_new(-errno, "pipe to the unpacker");
	l->hash = verify_new(l->blob->digest);
	l->kept = blob_keeper_resume(&l->keeper, l->q->store, &l->stage, l->blob->digest,
				     l->blob->size);
	if (!l->kept)
		return request(l);
	log_debug("transfer", "layer %s: goes on after %llu bytes", l->label,
		  (unsigned long long)l->kept);
	l->state = LAYER_KEPT;
	return 0;
}

/* Not in part, then: what is wrong with it, a pull of all of it will say. */
static int fall_back(struct layer *l, int r)
{
	if (r == -CE_INTERRUPTED)
		return r;
	log_debug("transfer", "layer %s: all of it is fetched: %s", l->label, err_trail());
	err_drop();
	partial_stop(l->partial);
	attempt_end(l);
	l->assembling = false;
	l->no_partial = true;
	l->state = LAYER_NEW;
	return 0;
}

static int step_partial(struct layer *l)
{
	int r = partial_step(l->partial);

	l->got = partial_bytes(l->partial);
	if (r == 0)
		report(l, TRANSFER_RUNNING);
	if (r == 1) {
		r = stage_and_worker(l, partial_input(l->partial));
		if (r < 0)
			return r;
		l->assembling = true;
		l->state = LAYER_UNPACKING;
		r = partial_assemble(l->partial);
	}
	return r < 0 ? fall_back(l, r) : 0;
}

/* As much of the kept part as the pipe takes now. The keeper's file stays where the rest goes: at its end. */
static int read_kept(struct layer *l)
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
	return l->got == l->blob->size ? whole(l) : request(l);
}

static void end_item(struct layer *l, enum transfer_state state)
{
	l->state = LAYER_DONE;
	closep(&l->lock_fd);
	report(l, state);
}

/* Return: 1 when the lock is ours. */
static int take_lock(struct layer *l)
{
	int r;

	if (l->lock_fd >= 0)
		return 1;
	r = layer_try_lock(l->q->store, l->diffid);
	if (r >= 0) {
		l->lock_fd = r;
		return 1;
	}
	if (r != -EWOULDBLOCK)
		return r;
	l->state = LAYER_LOCKED_OUT;
	report(l, TRANSFER_WAITING);
	l->again_at_ns = clock_monotonic_ns() + POLL_MS * NS_PER_MS;
	return 0;
}

static int layer_begin(struct layer *l)
{
	int r;

	if (layer_exists(l->q->store, l->diffid)) {
		end_item(l, TRANSFER_EXISTS);
		return 0;
	}
	r = take_lock(l);
	if (r <= 0)
		return r;
	/* Whoever held it may have been fetching just this. */
	if (layer_exists(l->q->store, l->diffid)) {
		end_item(l, TRANSFER_EXISTS);
		return 0;
	}
	r = shared_layer_make(l->q->store, l->diffid);
	if (r == 0)
		end_item(l, TRANSFER_EXISTS);
	if (r != -ENOENT)
		return r;
	if (!l->no_partial)
		l->partial = partial_new(l->q, l->blob);
	if (l->no_partial || !l->partial)
		return attempt_begin(l);
	l->state = LAYER_PARTIAL;
	return 0;
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
	attempt_end(l);
	l->state = LAYER_NEW;
	return 0;
}

static int loaded(struct layer *l)
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
	if (l->got != l->blob->size)
		return err_new(-CE_BAD_SIZE, "%llu bytes instead of %llu",
			       (unsigned long long)l->got, (unsigned long long)l->blob->size);
	return whole(l);
}

static int commit(struct layer *l)
{
	const struct unpack_result *u = &l->result;
	struct layer_record record = {.blob_digest = l->blob->digest,
				      .media_type = l->blob->media_type,
				      .blob_bytes = l->blob->size,
				      .tree_bytes = u->tree_bytes,
				      .tar_bytes = u->tar_bytes,
				      .implied = u->implied,
				      .has_recipe = u->has_recipe && l->stage.recipe_fd >= 0,
				      .has_blob = blob_keeper_end(&l->keeper)};
	int r;

	if (strcmp(u->diffid, l->diffid) != 0 && l->assembling)
		return fall_back(l, err_new(-CE_BAD_DIGEST, "what was put together"));
	if (strcmp(u->diffid, l->diffid) != 0)
		return err_new(-CE_BAD_DIGEST, "its content is %.12s, the config says %.12s",
			       u->diffid, l->diffid);
	r = layer_resolve_links(l->q->store, &l->stage, u, l->q->diffids, l->index);
	if (r == 0 && l->partial && partial_digests(l->partial) >= 0)
		r = layer_stage_digests(l->q->store, &l->stage, partial_digests(l->partial));
	if (r == 0)
		r = layer_stage_commit(l->q->store, &l->stage, l->diffid, &record);
	if (r < 0)
		return r;
	l->staged = false;
	attempt_end(l);
	end_item(l, TRANSFER_DONE);
	return 0;
}

static bool lower_are_done(const struct layer *l)
{
	for (const struct layer *below = l - l->index; below < l; below++)
		if (below->state != LAYER_DONE)
			return false;
	return true;
}

static int unpacked(struct layer *l)
{
	int r;

	l->working = false;
	r = unpack_finish(&l->job, &l->result);
	if (r < 0)
		return l->assembling ? fall_back(l, r) : r;
	for (size_t i = 0; i < l->result.notes.n; i++)
		log_debug("transfer", "layer %s: %s", l->label, l->result.notes.v[i]);
	l->state = LAYER_LINKING;
	return 0;
}

/* The worker's pipe is drained: let it see the end. Its report is the event to wait for. */
static void finish_input(struct layer *l)
{
	flush_rest(l);
	if (l->rest.len == 0 || l->worker_gone)
		closep(&l->job.input_fd);
}

static bool is_active(const struct layer *l)
{
	return l->state == LAYER_PARTIAL || l->state == LAYER_KEPT || l->state == LAYER_LOADING || l->state == LAYER_UNPACKING;
}

/* What came may be right, and the next pull go on from it: unless it was the bytes that were at fault. */
static bool worth_keeping(int r)
{
	return r == -CE_NETWORK || r == -CE_TIMEOUT || r == -CE_INTERRUPTED || r == -CE_DENIED ||
	       r == -CE_NO_IMAGE || r == -ENOSPC || r == -EDQUOT;
}

static int step(struct layer *l, unsigned *active)
{
	int64_t now = clock_monotonic_ns();
	bool due = l->state == LAYER_NEW ||
		   ((l->state == LAYER_LOCKED_OUT || l->state == LAYER_PAUSE) &&
		    now >= l->again_at_ns);
	int r = 0;

	if (due && *active < LAYERS_AT_ONCE) {
		r = l->state == LAYER_PAUSE ? request(l) : layer_begin(l);
		*active += is_active(l);
	} else if (l->state == LAYER_LOADING && http_finished(l->transfer) != 0) {
		r = loaded(l);
	}
	if (r == 0 && l->state == LAYER_PARTIAL)
		r = step_partial(l);
	if (r == 0 && l->state == LAYER_KEPT)
		r = read_kept(l);
	if (r == 0 && l->state == LAYER_UNPACKING && l->job.input_fd >= 0)
		finish_input(l);
	if (r == 0 && l->state == LAYER_LINKING && (l->result.links.n == 0 || lower_are_done(l)))
		r = commit(l);
	if (r < 0 && !worth_keeping(r))
		blob_keeper_drop(&l->keeper);
	return r < 0 ? err_wrap(r, "layer %s", l->label) : 0;
}

/* What this layer waits for, if it is a descriptor. */
static bool wait_on(const struct layer *l, struct pollfd *p)
{
	bool full = l->rest.len > 0 && !l->worker_gone;

	*p = (struct pollfd){.fd = -1};
	if (is_active(l) && full)
		*p = (struct pollfd){.fd = l->job.input_fd, .events = POLLOUT};
	else if (l->state == LAYER_PARTIAL)
		*p = (struct pollfd){.fd = partial_wait(l->partial), .events = POLLIN};
	else if (l->state == LAYER_UNPACKING)
		*p = (struct pollfd){.fd = l->job.result_fd, .events = POLLIN};
	return p->fd >= 0;
}

static int woken(struct layer *l, const struct pollfd *p)
{
	int r = 0;

	if (!p->revents || l->state == LAYER_PARTIAL)
		return 0;
	if (p->fd == l->job.result_fd) {
		r = unpacked(l);
	} else {
		flush_rest(l);
		if (l->rest.len == 0 && l->state == LAYER_LOADING)
			http_resume(l->transfer);
	}
	if (r < 0 && !worth_keeping(r))
		blob_keeper_drop(&l->keeper);
	return r < 0 ? err_wrap(r, "layer %s", l->label) : 0;
}

static int turn(struct http *http, struct layer *v, unsigned n)
{
	struct pollfd fds[LAYERS_AT_ONCE] = {{0}};
	struct layer *owner[LAYERS_AT_ONCE];
	unsigned n_fds = 0;
	int r;

	for (unsigned i = 0; i < n && n_fds < LAYERS_AT_ONCE; i++)
		if (is_active(&v[i]) && wait_on(&v[i], &fds[n_fds]))
			owner[n_fds++] = &v[i];
	r = http_wait(http, fds, n_fds, POLL_MS);
	/* A line that stands still shows all that came before. */
	for (unsigned i = 0; r == 0 && i < n; i++)
		if (is_active(&v[i]) && v[i].got != v[i].told)
			report(&v[i], TRANSFER_RUNNING);
	for (unsigned i = 0; r == 0 && i < n_fds; i++)
		r = woken(owner[i], &fds[i]);
	return r;
}

static int larger_first(const void *a, const void *b)
{
	const struct layer *x = *(struct layer *const *)a, *y = *(struct layer *const *)b;

	if (x->blob->size != y->blob->size)
		return x->blob->size > y->blob->size ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* In which order they are looked at, and so begun. */
static struct layer **order_of(struct layer *v, unsigned n)
{
	struct layer **order = xcalloc(n ? n : 1, sizeof(struct layer *));
	uint64_t cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), sum = 0;

	for (unsigned i = 0; i < n; i++) {
		order[i] = &v[i];
		sum += v[i].blob->size;
	}
	for (unsigned i = 0; i < n; i++)
		v[i].large = v[i].blob->size >= sum / cpus;
	qsort(order, n, sizeof(struct layer *), larger_first);
	return order;
}

static int run(struct http *http, struct layer *v, unsigned n)
{
	AUTO_FREE struct layer **order = order_of(v, n);

	for (;;) {
		unsigned active = 0, left = 0;
		bool moved = false;
		int r;

		for (unsigned i = 0; i < n; i++)
			active += is_active(&v[i]);
		for (unsigned i = 0; i < n; i++) {
			enum layer_state before = order[i]->state;

			r = step(order[i], &active);
			if (r < 0)
				return r;
			moved |= before != order[i]->state;
			left += order[i]->state != LAYER_DONE;
		}
		if (left == 0)
			return 0;
		if (moved)
			continue;
		r = turn(http, v, n);
		if (r < 0)
			return r;
	}
}

int layers_fetch(const struct layers_request *q)
{
	unsigned n = q->manifest->n_layers;
	struct layer *v;
	int r;

	if (q->diffids->n != n)
		return err_new(-CE_BAD_FORMAT, "the manifest has %u layers, the config %zu", n,
			       q->diffids->n);
	if (parts_trash(q->store, PART_AGE_S) < 0)
		err_drop();
	v = xcalloc(n ? n : 1, sizeof(*v));
	for (unsigned i = 0; i < n; i++) {
		v[i] = (struct layer){.q = q,
				      .blob = &q->manifest->layers[i],
				      .diffid = q->diffids->v[i],
				      .index = i,
				      .lock_fd = -EBADF,
				      .rest = SBUF_INIT};
		(void)snprintf(v[i].label, sizeof(v[i].label), "%.12s",
			       strchr(v[i].blob->digest, ':') + 1);
		report(&v[i], TRANSFER_WAITING);
	}
	r = run(q->registry->http, v, n);
	for (unsigned i = 0; i < n; i++)
		layer_done(&v[i]);
	free(v);
	return r;
}
