/* SPDX-License-Identifier: MIT */
#include "pkg/cli/progress.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/size.h"

#define REDRAW_NS (100 * NS_PER_MS)
#define ITEMS_MAX 4096U
#define LABEL_MAX 32
#define BAR_MAX 40U
#define BAR_MIN 8U
#define TAIL_MAX 40U

/* Speed is what came in the last few seconds: an old burst says nothing about the time left. */
#define SAMPLES 16U
#define SAMPLE_NS (300 * NS_PER_MS)

struct item {
	char label[LABEL_MAX];
	enum progress_state state;
	bool known;
	uint64_t done, total;
};

struct sample {
	int64_t at_ns;
	uint64_t bytes;
};

struct progress {
	struct progress_options o;
	struct item *items;
	unsigned n;
	int64_t drawn_at_ns;
	unsigned drawn; /* lines on the screen, the cursor below them */
	struct sample samples[SAMPLES];
	unsigned n_samples; /* ever taken */
};

bool progress_wants_bars(FILE *out)
{
	const char *term = getenv("TERM");
	int fd = fileno(out);

	return fd >= 0 && isatty(fd) && term && *term && strcmp(term, "dumb") != 0 &&
	       tcgetpgrp(fd) == getpgrp();
}

static int64_t now(const struct progress *p)
{
	return p->o.now_ns ? p->o.now_ns() : clock_monotonic_ns();
}

struct progress *progress_new(const struct progress_options *o)
{
	struct progress *p = xcalloc(1, sizeof(*p));

	p->o = *o;
	return p;
}

/* Columns are counted in bytes, so only what is one column wide may stand in a label. */
static void set_label(struct item *it, const char *label)
{
	size_t n = 0;

	for (; label[n] && n + 1 < LABEL_MAX; n++)
		it->label[n] = label[n] >= ' ' && label[n] < 0x7f ? label[n] : '?';
	it->label[n] = '\0';
}

static bool is_finished(const struct item *it)
{
	return it->state == PROGRESS_DONE || it->state == PROGRESS_EXISTS;
}

static bool is_moving(const struct item *it)
{
	return it->state == PROGRESS_RUNNING && (!it->total || it->done < it->total);
}

/* ---- the sum ---------------------------------------------------------------------------------- */

struct sum {
	uint64_t done, total; /* of what has to be fetched */
	bool open_ended; /* the size of something is not known */
	unsigned items, finished;
};

static struct sum add_up(const struct progress *p)
{
	struct sum s = {0};

	for (unsigned i = 0; i < p->n; i++) {
		const struct item *it = &p->items[i];

		if (!it->known)
			continue;
		s.items++;
		s.finished += is_finished(it);
		if (it->state == PROGRESS_EXISTS)
			continue;
		s.done += it->done;
		s.total += it->total;
		s.open_ended |= it->total == 0;
	}
	return s;
}

static void take_sample(struct progress *p, int64_t at_ns, uint64_t bytes)
{
	if (p->n_samples &&
	    at_ns - p->samples[(p->n_samples - 1) % SAMPLES].at_ns < (int64_t)SAMPLE_NS)
		return;
	p->samples[p->n_samples % SAMPLES] = (struct sample){at_ns, bytes};
	p->n_samples++;
}

/* Bytes a second; 0 while it is too early to say, or when an attempt began again. */
static uint64_t speed(const struct progress *p, int64_t at_ns, uint64_t bytes)
{
	const struct sample *oldest =
		&p->samples[p->n_samples > SAMPLES ? p->n_samples % SAMPLES : 0];
	int64_t span = at_ns - oldest->at_ns;

	if (!p->n_samples || span < (int64_t)SAMPLE_NS || bytes <= oldest->bytes)
		return 0;
	return (uint64_t)((double)(bytes - oldest->bytes) * (double)NS_PER_S / (double)span);
}

static void add_time_left(uint64_t seconds, struct sbuf *out)
{
	if (seconds >= 3600)
		sbuf_addf(out, "%lluh%02llum left", (unsigned long long)(seconds / 3600),
			  (unsigned long long)(seconds / 60 % 60));
	else if (seconds >= 60)
		sbuf_addf(out, "%llum%02llus left", (unsigned long long)(seconds / 60),
			  (unsigned long long)(seconds % 60));
	else
		sbuf_addf(out, "%llus left", (unsigned long long)seconds);
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void add_bytes(uint64_t done, uint64_t total, struct sbuf *out)
{
	char text[SIZE_TEXT_MAX];

	size_format(done, text);
	sbuf_adds(out, text);
	if (!total)
		return;
	size_format(total, text);
	sbuf_addf(out, " / %s", text);
}

/* What all lines of one drawing share. */
struct frame {
	unsigned rows, columns, head_width;
};

static void add_bar(uint64_t done, uint64_t total, unsigned width, struct sbuf *out)
{
	unsigned full = done >= total ? width : (unsigned)((double)done * width / (double)total);

	sbuf_addc(out, '[');
	for (unsigned i = 0; i < width; i++)
		sbuf_addc(out, i < full ? '=' : i == full ? '>' : ' ');
	sbuf_adds(out, "] ");
}

/*
 * All bars of a drawing begin and end in the same columns: the heads are padded, and the widest
 * tail there may be ("999 MB / 1.25 GB  99.9 MB/s  10m05s left") has its room. Without room for a
 * bar there is none.
 */
static void add_line(const struct frame *f, const char *head, uint64_t done, uint64_t total,
		     const char *tail, struct sbuf *out)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	unsigned taken = f->head_width + 2 + TAIL_MAX + 4;
	unsigned width = f->columns > taken ? f->columns - taken : 0;

	sbuf_addf(&line, "%-*s  ", (int)f->head_width, head);
	if (total && width >= BAR_MIN)
		add_bar(done, total, width < BAR_MAX ? width : BAR_MAX, &line);
	sbuf_adds(&line, tail);
	/* A line that wraps would be two when the cursor goes back. */
	sbuf_add(out, line.s, line.len < f->columns ? line.len : f->columns - 1);
	sbuf_adds(out, "\x1b[K\n");
}

static void item_line(const struct frame *f, const struct item *it, const char *head,
		      struct sbuf *out)
{
	static const char *const words[] = {"waiting", "unpacking", "done", "exists"};
	AUTO_SBUF struct sbuf tail = SBUF_INIT;
	/* What waits with bytes waits for another process that fetches it: how far that has come. */
	bool elsewhere = it->state == PROGRESS_WAITING && it->done;
	bool moving = is_moving(it) || elsewhere;

	if (moving)
		add_bytes(it->done, it->total, &tail);
	if (elsewhere)
		sbuf_adds(&tail, "  elsewhere");
	else if (!moving)
		sbuf_adds(&tail, words[it->state]);
	add_line(f, head, it->done, moving ? it->total : 0, tail.s, out);
}

/* The sum of all, or what is said of the only item there is. */
static void sum_line(struct progress *p, const struct frame *f, const struct sum *s,
		     const char *head, struct sbuf *out)
{
	AUTO_SBUF struct sbuf tail = SBUF_INIT;
	uint64_t rate = speed(p, p->drawn_at_ns, s->done);
	char text[SIZE_TEXT_MAX];

	add_bytes(s->done, s->open_ended ? 0 : s->total, &tail);
	if (rate && s->finished < s->items) {
		size_format(rate, text);
		sbuf_addf(&tail, "  %s/s", text);
	}
	if (rate && !s->open_ended && s->done < s->total) {
		sbuf_adds(&tail, "  ");
		add_time_left((s->total - s->done + rate - 1) / rate, &tail);
	}
	add_line(f, head, s->done, s->open_ended ? 0 : s->total, tail.s, out);
}

static void draw_item(struct progress *p, const struct frame *f, const struct item *it,
		      const struct sum *s, struct sbuf *out)
{
	AUTO_SBUF struct sbuf head = SBUF_INIT;

	sbuf_addf(&head, "%s %s", p->o.verb, it->label);
	if (s->items == 1 && is_moving(it))
		sum_line(p, f, s, head.s, out);
	else
		item_line(f, it, head.s, out);
	p->drawn++;
}

/* ---- the screen ------------------------------------------------------------------------------- */

static struct frame measure(const struct progress *p)
{
	struct frame f = {.rows = p->o.rows, .columns = p->o.columns};
	struct winsize w = {0};
	size_t longest = 0;

	if (!f.rows || !f.columns) {
		(void)ioctl(fileno(p->o.out), TIOCGWINSZ, &w);
		f.rows = w.ws_row ? w.ws_row : 24;
		f.columns = w.ws_col ? w.ws_col : 80;
	}
	for (unsigned i = 0; i < p->n; i++)
		if (strlen(p->items[i].label) > longest)
			longest = strlen(p->items[i].label);
	f.head_width = (unsigned)(strlen(p->o.verb) + 1 + longest);
	return f;
}

static void erase(struct progress *p, struct sbuf *out)
{
	if (p->drawn)
		sbuf_addf(out, "\x1b[%uA\r\x1b[J", p->drawn);
	p->drawn = 0;
}

/* Finished things make room for those that move when the screen is too small for all. */
static void draw(struct progress *p, bool last)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	const struct sum s = add_up(p);
	const struct frame f = measure(p);
	unsigned room, skip;
	char head[48];

	if (!p->o.bars || !s.items)
		return;
	room = last ? UINT_MAX : f.rows > 3 ? f.rows - 2 : 1;
	skip = s.items > room ? s.items - room : 0;
	p->drawn_at_ns = now(p);
	take_sample(p, p->drawn_at_ns, s.done);
	erase(p, &out);
	for (unsigned i = 0; i < p->n && p->drawn < room; i++) {
		if (!p->items[i].known)
			continue;
		if (skip && is_finished(&p->items[i]))
			skip--;
		else
			draw_item(p, &f, &p->items[i], &s, &out);
	}
	if (s.items > 1) {
		(void)snprintf(head, sizeof(head), "%u of %u", s.finished, s.items);
		sum_line(p, &f, &s, head, &out);
		p->drawn++;
	}
	(void)fwrite(out.s, 1, out.len, p->o.out);
	(void)fflush(p->o.out);
}

static void plain_line(struct progress *p, const struct item *it)
{
	(void)fprintf(p->o.out, "%s %s %s\n", p->o.verb, it->label,
		      it->state == PROGRESS_DONE ? "done" : "exists");
	(void)fflush(p->o.out);
}

void progress_update(struct progress *p, const struct progress_item *item)
{
	struct item *it;
	bool news;

	if (item->number >= ITEMS_MAX)
		return;
	if (item->number >= p->n) {
		p->items = xreallocarray(p->items, item->number + 1, sizeof(*p->items));
		memset(p->items + p->n, 0, (item->number + 1 - p->n) * sizeof(*p->items));
		p->n = item->number + 1;
	}
	it = &p->items[item->number];
	news = !it->known || it->state != item->state;
	set_label(it, item->label);
	it->state = item->state;
	it->done = item->done;
	it->total = item->total;
	it->known = true;
	if (!p->o.bars) {
		if (news && is_finished(it))
			plain_line(p, it);
	} else if (!p->drawn || now(p) - p->drawn_at_ns >= (int64_t)REDRAW_NS) {
		draw(p, false);
	}
}

void progress_tick(struct progress *p)
{
	if (p->drawn && now(p) - p->drawn_at_ns >= (int64_t)REDRAW_NS)
		draw(p, false);
}

void progress_pause(struct progress *p)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	erase(p, &out);
	(void)fwrite(out.s, 1, out.len, p->o.out);
	(void)fflush(p->o.out);
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	/* Of one thing that is off the screen, what was printed since says enough. */
	if (p->drawn || p->n > 1)
		draw(p, true);
	free(p->items);
	free(p);
}
