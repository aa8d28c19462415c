/* SPDX-License-Identifier: MIT */
/* Reading the logs of one or several containers, from wherever each of them keeps them. */
#include "pkg/conmon/logs.h"

#include <poll.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/conmon/logs_internal.h"

#define LOOK_MS 1000 /* how long an end without any sign in the directory stays unseen */
#define JOURNAL_GRACE_NS (5 * NS_PER_S) /* for an entry to come through journald */

struct reader {
	const struct logs_source *src;
	struct log_printer p;
	struct log_files files;
	struct log_journal_reader journal;
	bool over;
	int64_t ended_ns; /* CLOCK_MONOTONIC: first seen ended, or the last entry after that */
};

static bool in_journal(const struct reader *r)
{
	return r->src->driver == CONMON_LOG_JOURNALD;
}

static int reader_open(struct reader *r, const struct logs_source *src,
		       const struct logs_options *o)
{
	r->src = src;
	log_printer_init(&r->p, o, src->label);
	log_journal_init(&r->journal, src->path, &r->p);
	if (in_journal(r))
		return 0;
	return log_files_open(&r->files, src->path, src->driver, &r->p, o->follow);
}

static void reader_done(struct reader *r)
{
	if (!r->src)
		return;
	if (!in_journal(r))
		log_files_done(&r->files);
	log_journal_done(&r->journal);
	log_printer_done(&r->p);
}

static int first_look(struct reader *rd)
{
	const struct logs_options *o = rd->p.o;
	int r = in_journal(rd) ? log_journal_first(&rd->journal) : log_files_first(&rd->files);

	rd->over = !o->follow || rd->p.past_until;
	if (r == 0)
		r = log_printer_flush(&rd->p, rd->over);
	if (r == 0 && !rd->over && in_journal(rd))
		r = log_journal_follow(&rd->journal);
	return r;
}

/* What journald has taken from a monitor that is gone may not be readable yet. */
static bool journal_is_quiet(struct reader *rd)
{
	int64_t now = clock_monotonic_ns();

	if (rd->ended_ns == 0 || rd->journal.fresh)
		rd->ended_ns = now;
	return rd->journal.quiet || now - rd->ended_ns > JOURNAL_GRACE_NS;
}

/*
 * The question comes before the last look: what was written before the container ended is read
 * after the answer. The watch was set before the first look, so no change falls between.
 */
static int look_again(struct reader *rd)
{
	const struct logs_options *o = rd->p.o;
	bool more = rd->src->still_running && rd->src->still_running(rd->src->arg);
	int r = in_journal(rd) ? log_journal_more(&rd->journal) : log_files_more(&rd->files);

	if (more)
		rd->ended_ns = 0;
	rd->over = (!more && (!in_journal(rd) || journal_is_quiet(rd))) || rd->p.past_until ||
		   (o->until_ns && clock_now_ns() > o->until_ns);
	return r == 0 ? log_printer_flush(&rd->p, rd->over) : r;
}

static void await_change(const struct reader *readers, unsigned n, struct pollfd *p)
{
	nfds_t waiting = 0;
	int ms = LOOK_MS;

	for (unsigned i = 0; i < n; i++) {
		const struct reader *rd = &readers[i];

		if (rd->over)
			continue;
		p[waiting++] = (struct pollfd){
			.fd = in_journal(rd) ? rd->journal.out : rd->files.watch, .events = POLLIN};
		if (rd->ended_ns)
			ms = 50;
	}
	(void)poll(p, waiting, ms);
}

static int follow(struct reader *readers, unsigned n)
{
	AUTO_FREE struct pollfd *p = xcalloc(n, sizeof(*p));

	for (;;) {
		bool any = false;
		int r = 0;

		for (unsigned i = 0; r == 0 && i < n; i++) {
			if (!readers[i].over)
				r = look_again(&readers[i]);
			any |= !readers[i].over;
		}
		if (r < 0 || !any)
			return r;
		await_change(readers, n, p);
	}
}

int logs_print(const struct logs_source *sources, unsigned n, const struct logs_options *o)
{
	AUTO_FREE struct reader *readers = xcalloc(n, sizeof(*readers));
	int r = 0;

	for (unsigned i = 0; r == 0 && i < n; i++)
		r = reader_open(&readers[i], &sources[i], o);
	for (unsigned i = 0; r == 0 && i < n; i++)
		r = first_look(&readers[i]);
	if (r == 0 && o->follow)
		r = follow(readers, n);
	for (unsigned i = 0; i < n; i++)
		reader_done(&readers[i]);
	return r;
}
