/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation (what a layer does in a state is in layers_steps.c and layers_load.c)
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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/transfer/layers_internal.h"
#include "storage/shared.h"

static bool is_active(const struct layer *l)
{
	return l->state == LAYER_PARTIAL || l->state == LAYER_KEPT || l->state == LAYER_LOADING ||
	       l->state == LAYER_UNPACKING;
}

static bool lower_are_done(const struct layer *l)
{
	for (const struct layer *below = l - l->index; below < l; below++)
		if (below->state != LAYER_DONE)
			return false;
	return true;
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
		r = l->state == LAYER_PAUSE ? fetch_request(l) : fetch_begin(l);
		*active += is_active(l);
	} else if (l->state == LAYER_LOADING && http_finished(l->transfer) != 0) {
		r = fetch_loaded(l);
	}
	if (r == 0 && l->state == LAYER_PARTIAL)
		r = fetch_partial(l);
	if (r == 0 && l->state == LAYER_KEPT)
		r = fetch_read_kept(l);
	if (r == 0 && l->state == LAYER_UNPACKING && l->job.input_fd >= 0)
		fetch_end_input(l);
	if (r == 0 && l->state == LAYER_LINKING && (l->result.links.n == 0 || lower_are_done(l)))
		r = fetch_commit(l);
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
		r = fetch_unpacked(l);
	} else {
		fetch_flush(l);
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
			fetch_report(&v[i], TRANSFER_RUNNING);
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

static bool is_to_come(const struct layers_request *q, unsigned i)
{
	const char *diffid = q->diffids->v[i];

	for (unsigned k = 0; k < i; k++)
		if (strcmp(q->diffids->v[k], diffid) == 0)
			return false;
	return manifest_layer_media(q->manifest->layers[i].media_type) != LAYER_MEDIA_TAR &&
	       !layer_exists(q->store, diffid) && !shared_has(q->store, STORE_LAYERS, diffid);
}

/* What is compressed takes no less room when it is unpacked: what cannot fit is not begun (S17). */
static int check_room(const struct layers_request *q)
{
	char want[SIZE_TEXT_MAX], have[SIZE_TEXT_MAX];
	struct statvfs fs;
	uint64_t sum = 0, left;

	for (unsigned i = 0; i < q->manifest->n_layers; i++)
		if (is_to_come(q, i) &&
		    __builtin_add_overflow(sum, q->manifest->layers[i].size, &sum))
			sum = UINT64_MAX;
	if (fstatvfs(store_fd(q->store, STORE_LAYERS), &fs) < 0)
		return 0;
	left = fs.f_bavail * fs.f_frsize;
	if (sum <= left)
		return 0;
	size_format(sum, want);
	size_format(left, have);
	return err_new(-ENOSPC, "layers of %s compressed are to come, and %s is free", want, have);
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
	r = check_room(q);
	if (r < 0)
		return r;
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
		fetch_report(&v[i], TRANSFER_WAITING);
	}
	r = run(q->registry->http, v, n);
	for (unsigned i = 0; i < n; i++)
		fetch_done(&v[i]);
	free(v);
	return r;
}
