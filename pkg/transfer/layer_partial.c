/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/layer_partial.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/transfer/assemble.h"
#include "pkg/transfer/layer_source.h"

#define DOCUMENTS_MAX (16U << 20)
#define DOCUMENTS_GAP (64U << 10)
#define BLOB_MIN (64U << 10) /* below, a second request costs more than it saves */

enum step { DOCUMENTS, PLANNING, FETCHING, ASSEMBLING };

struct partial {
	const struct layers_request *q;
	const struct descriptor *blob;
	struct chunked chunked;
	enum step step;
	struct sbuf documents; /* of the blob, from the table's beginning to the tar-split's end */
	int parts, where, archive[2];
	bool known; /* ->where is written */
	struct assembly assembly;
	struct assembler assembler;
	struct chunked_range *ranges;
	unsigned n_ranges, next;
	struct http_transfer *transfer;
	uint64_t at, end; /* of the request that runs */
	uint64_t asked; /* where it began */
	unsigned tries;
	uint64_t bytes;
};

void partial_stop(struct partial *p)
{
	http_stop(p->transfer);
	p->transfer = NULL;
	assemble_end(&p->assembler);
	closep(&p->archive[0]);
	closep(&p->archive[1]);
	closep(&p->parts);
	sbuf_done(&p->documents);
	freep(&p->ranges);
	p->n_ranges = 0;
}

void partial_free(struct partial *p)
{
	if (!p)
		return;
	partial_stop(p);
	closep(&p->where);
	free(p);
}

/* --- ranges ------------------------------------------------------------------------------------ */

static int first_bytes(struct partial *p)
{
	const struct http_response *head = http_head(p->transfer);
	AUTO_FREE char *want = xasprintf(
		"bytes %llu-%llu/%llu", (unsigned long long)p->asked,
		(unsigned long long)p->end - 1, (unsigned long long)p->blob->size);

	if (head->status == 206 && head->content_range && strcmp(head->content_range, want) == 0)
		return 0;
	return err_new(-CE_UNSUPPORTED, "the registry does not hand out ranges");
}

static int on_bytes(void *data, const void *bytes, size_t n)
{
	struct partial *p = data;
	int r = p->at == p->asked ? first_bytes(p) : 0;
	const char *from = bytes;

	if (r < 0)
		return r;
	if (n > p->end - p->at)
		return err_new(-CE_BAD_SIZE, "a range of the blob");
	if (p->step == DOCUMENTS)
		sbuf_add(&p->documents, bytes, n);
	p->bytes += n;
	for (size_t left = p->step == DOCUMENTS ? 0 : n; left;) {
		ssize_t w = pwrite(p->parts, from, left, (off_t)(p->at + n - left));

		if (w < 0 && errno != EINTR)
			return err_new(-errno, "keep a range of the blob");
		if (w > 0) {
			from += w;
			left -= (size_t)w;
		}
	}
	p->at += n;
	return 0;
}

/* From ->at to ->end. */
static int request(struct partial *p)
{
	int r = 0;

	http_stop(p->transfer);
	p->asked = p->at;
	p->transfer = registry_blob_range(p->q->registry, p->blob->digest, p->at, p->end, on_bytes,
					  p, &r);
	return p->transfer ? 0 : r;
}

/* 1: the range is there; 0: it comes. What broke on the way is asked for once more. */
static int range_step(struct partial *p)
{
	int r = http_finished(p->transfer);

	if (r == 0)
		return 0;
	if (r > 0 && p->at == p->end)
		return 1;
	if (r > 0)
		return err_new(-CE_NETWORK, "status %u for a range",
			       http_head(p->transfer)->status);
	if ((r != -CE_NETWORK && r != -CE_TIMEOUT) || p->at == p->asked ||
	    p->tries++ >= p->q->registry->retries)
		return r;
	err_drop();
	return request(p);
}

/* --- the steps --------------------------------------------------------------------------------- */

struct partial *partial_new(const struct layers_request *q, const struct descriptor *blob)
{
	struct partial *p;
	struct chunked c;

	if (!q->partial || blob->size < BLOB_MIN ||
	    !chunked_of(&blob->annotations, blob->size, &c) ||
	    c.split.offset < c.table.offset + c.table.bytes ||
	    c.split.offset - c.table.offset - c.table.bytes > DOCUMENTS_GAP ||
	    c.table.bytes + c.split.bytes > DOCUMENTS_MAX)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->q = q;
	p->blob = blob;
	p->chunked = c;
	p->documents = (struct sbuf)SBUF_INIT;
	p->parts = p->where = p->archive[0] = p->archive[1] = -EBADF;
	p->at = c.table.offset;
	p->end = c.split.offset + c.split.bytes;
	if (request(p) < 0) {
		err_drop();
		partial_free(p);
		return NULL;
	}
	return p;
}

static int begin_plan(struct partial *p)
{
	int r;

	http_stop(p->transfer);
	p->transfer = NULL;
	p->parts = layer_blob_nameless(p->q->store);
	if (p->parts < 0)
		return p->parts;
	p->where = layer_blob_nameless(p->q->store);
	if (p->where < 0)
		return p->where;
	if (pipe2(p->archive, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	p->assembly = (struct assembly){
		.chunked = &p->chunked,
		.table = p->documents.s,
		.split = p->documents.s + (p->chunked.split.offset - p->chunked.table.offset),
		.blob_bytes = p->blob->size,
		.layers = store_fd(p->q->store, STORE_LAYERS),
		.parts = p->parts,
		.where = p->where,
		.out = p->archive[1]};
	r = assemble_start(&p->assembly, &p->assembler);
	closep(&p->archive[1]);
	sbuf_done(&p->documents);
	p->documents = (struct sbuf)SBUF_INIT;
	p->step = PLANNING;
	return r;
}

static int begin_fetch(struct partial *p)
{
	int r = assemble_plan(&p->assembler, &p->ranges, &p->n_ranges);

	if (r < 0)
		return r;
	p->known = true;
	if (r > 0)
		return err_new(-CE_UNSUPPORTED, "too little of it is here");
	p->step = FETCHING;
	return 0;
}

static int next_range(struct partial *p)
{
	const struct chunked_range *v = &p->ranges[p->next];

	http_stop(p->transfer);
	p->transfer = NULL;
	if (p->next == p->n_ranges) {
		p->step = ASSEMBLING;
		log_debug("transfer", "layer %.19s: %llu of %llu bytes fetched", p->blob->digest,
			  (unsigned long long)p->bytes, (unsigned long long)p->blob->size);
		return 1;
	}
	if (v->begin >= v->end || v->end > p->blob->size)
		return err_new(-CE_PROTOCOL, "plan");
	p->next++;
	p->at = v->begin;
	p->end = v->end;
	return request(p);
}

int partial_step(struct partial *p)
{
	struct pollfd plan = {.fd = p->assembler.plan, .events = POLLIN};
	int r;

	switch (p->step) {
	case DOCUMENTS:
		r = range_step(p);
		return r > 0 ? begin_plan(p) : r;
	case PLANNING:
		if (poll(&plan, 1, 0) <= 0)
			return 0;
		r = begin_fetch(p);
		return r == 0 ? next_range(p) : r;
	case FETCHING:
		r = range_step(p);
		return r > 0 ? next_range(p) : r;
	default:
		return 1;
	}
}

int partial_wait(const struct partial *p)
{
	return p->step == PLANNING ? p->assembler.plan : -1;
}

int partial_input(const struct partial *p)
{
	return p->archive[0];
}

int partial_assemble(struct partial *p)
{
	closep(&p->archive[0]);
	return assemble_go(&p->assembler);
}

uint64_t partial_bytes(const struct partial *p)
{
	return p->bytes;
}

int partial_digests(const struct partial *p)
{
	return p->known ? p->where : -EBADF;
}
