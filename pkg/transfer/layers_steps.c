/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/sys/lock.h"
#include "pkg/transfer/layer_sink.h"
#include "pkg/transfer/layers_internal.h"
#include "pkg/transfer/verify.h"
#include "storage/shared.h"

#define REPORT_NS (100 * NS_PER_MS)

void fetch_report(struct layer *l, enum transfer_state state)
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
void fetch_end_attempt(struct layer *l)
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

void fetch_done(struct layer *l)
{
	fetch_end_attempt(l);
	partial_free(l->partial);
	closep(&l->lock_fd);
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
	r = unpack_start(&l->stage, input ? LAYER_PLAIN : LAYER_OF_IMAGE, &limits, &l->job);
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
		return fetch_request(l);
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
	fetch_end_attempt(l);
	l->assembling = false;
	l->no_partial = true;
	l->state = LAYER_NEW;
	return 0;
}

int fetch_partial(struct layer *l)
{
	int r = partial_step(l->partial);

	l->got = partial_bytes(l->partial);
	if (r == 0)
		fetch_report(l, TRANSFER_RUNNING);
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

static void end_item(struct layer *l, enum transfer_state state)
{
	l->state = LAYER_DONE;
	closep(&l->lock_fd);
	fetch_report(l, state);
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
	fetch_report(l, TRANSFER_WAITING);
	l->again_at_ns = clock_monotonic_ns() + POLL_MS * NS_PER_MS;
	return 0;
}

int fetch_begin(struct layer *l)
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

int fetch_unpacked(struct layer *l)
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

int fetch_commit(struct layer *l)
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
	fetch_end_attempt(l);
	end_item(l, TRANSFER_DONE);
	return 0;
}
