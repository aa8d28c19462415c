/* SPDX-License-Identifier: MIT */
/*
 * A build on a terminal: what is done scrolls up, one line a step with the time it took; below it, drawn
 * anew ten times a second, the steps that run, each with the last lines its command wrote. When one
 * fails, what it wrote last stays on the screen; with --quiet that is all that is shown.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cmd/build.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/cli/format.h"

#define TAIL_KEPT 40 /* of a failed step all of these are shown */
#define TAIL_SHOWN 4
#define QUIET_COLUMNS 1000 /* of a line that nobody may see on a terminal */
#define REDRAW_NS (NS_PER_S / 10)

struct lane { /* of one stage: the step it is at */
	bool open, cached;
	char *name;
	int64_t began_ns;
	char *tail[TAIL_KEPT];
	unsigned n_tail; /* written in all */
};

struct build_screen {
	FILE *out;
	bool quiet; /* only what failed */
	struct lane *v;
	unsigned n;
	unsigned drawn; /* lines at the end of the screen that are to be drawn anew */
	int64_t drawn_ns;
};

struct build_screen *build_screen_new(FILE *out, bool quiet)
{
	struct build_screen *s = xcalloc(1, sizeof(*s));

	s->out = out;
	s->quiet = quiet;
	return s;
}

static void lane_reset(struct lane *l)
{
	free(l->name);
	for (unsigned i = 0; i < TAIL_KEPT; i++)
		free(l->tail[i]);
	*l = (struct lane){0};
}

static struct lane *lane_of(struct build_screen *s, unsigned stage)
{
	while (s->n <= stage) {
		s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
		s->v[s->n++] = (struct lane){0};
	}
	return &s->v[stage];
}

static void erase(struct build_screen *s)
{
	if (s->drawn)
		(void)fprintf(s->out, "\r\033[%uA\033[J", s->drawn);
	s->drawn = 0;
}

static struct winsize size_of(const struct build_screen *s)
{
	struct winsize w = {0};

	if (ioctl(fileno(s->out), TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
		w = (struct winsize){.ws_row = 24, .ws_col = 80};
	return w;
}

/* As much as fits: bytes bound columns, and a character is never cut. */
static void print_fitting(const struct build_screen *s, const char *text, size_t columns)
{
	size_t n = strlen(text);
	AUTO_FREE char *part = NULL;

	if (n > columns)
		n = columns;
	while (n > 0 && text[n] && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	part = xstrndup(text, n);
	put_untrusted(s->out, part);
}

static void print_step(const struct build_screen *s, const struct lane *l, const char *mark,
		       unsigned columns)
{
	double took = (double)(clock_monotonic_ns() - l->began_ns) / NS_PER_S;
	char time[24];

	if (l->cached)
		(void)snprintf(time, sizeof(time), "CACHED");
	else
		(void)snprintf(time, sizeof(time), "%.1fs", took);
	(void)fprintf(s->out, "%s %6s ", mark, time);
	print_fitting(s, l->name, columns > 12 ? columns - 12 : 1);
	(void)fputc('\n', s->out);
}

static void print_tail(const struct build_screen *s, const struct lane *l, unsigned lines,
		       unsigned columns)
{
	unsigned kept = l->n_tail < TAIL_KEPT ? l->n_tail : TAIL_KEPT;
	unsigned n = kept < lines ? kept : lines;

	for (unsigned i = l->n_tail - n; i < l->n_tail; i++) {
		(void)fputs("   | ", s->out);
		print_fitting(s, l->tail[i % TAIL_KEPT], columns > 7 ? columns - 7 : 1);
		(void)fputc('\n', s->out);
	}
}

static void draw(struct build_screen *s)
{
	struct winsize w = size_of(s);
	unsigned room = w.ws_row > 2 ? w.ws_row - 2U : 1, running = 0, lines;

	erase(s);
	for (unsigned i = 0; i < s->n; i++)
		running += s->v[i].open;
	lines = running && room > running ? (room - running) / running : 0;
	if (lines > TAIL_SHOWN)
		lines = TAIL_SHOWN;
	for (unsigned i = 0; i < s->n && s->drawn < room; i++) {
		const struct lane *l = &s->v[i];
		unsigned kept = l->n_tail < lines ? l->n_tail : lines;

		if (!l->open)
			continue;
		print_step(s, l, "=>", w.ws_col);
		print_tail(s, l, lines, w.ws_col);
		s->drawn += 1 + kept;
	}
	s->drawn_ns = clock_monotonic_ns();
	(void)fflush(s->out);
}

static void end_step(struct build_screen *s, struct lane *l, bool failed)
{
	unsigned columns = s->quiet ? QUIET_COLUMNS : size_of(s).ws_col;

	if (l->open && s->quiet && failed) {
		/* The error that follows says which step it was. */
		print_tail(s, l, TAIL_KEPT, columns);
		(void)fflush(s->out);
	} else if (l->open && !s->quiet) {
		erase(s);
		print_step(s, l, failed ? "!!" : "ok", columns);
		if (failed)
			print_tail(s, l, TAIL_KEPT, columns);
		(void)fflush(s->out);
	}
	lane_reset(l);
}

static void add_line(struct lane *l, const char *text)
{
	char **at = &l->tail[l->n_tail % TAIL_KEPT];

	free(*at);
	*at = xstrdup(text);
	l->n_tail++;
}

void build_screen_event(struct build_screen *s, const struct build_event *e)
{
	struct lane *l = lane_of(s, e->stage);

	switch (e->kind) {
	case BUILD_EVENT_STEP:
		end_step(s, l, false);
		l->open = true;
		l->began_ns = clock_monotonic_ns();
		l->name = xasprintf("[%s %u/%u] %s", e->stage_name, e->n, e->total, e->text);
		break;
	case BUILD_EVENT_CACHED:
		l->cached = true;
		break;
	case BUILD_EVENT_OUTPUT:
		add_line(l, e->text);
		break;
	case BUILD_EVENT_WARNING:
	case BUILD_EVENT_REASON:
		erase(s);
		(void)fputs(e->kind == BUILD_EVENT_WARNING ? "cuddy: warning: " : "--> ", s->out);
		put_untrusted(s->out, e->text);
		(void)fputc('\n', s->out);
		break;
	case BUILD_EVENT_END:
		end_step(s, l, e->text != NULL);
		break;
	}
	if (!s->quiet && clock_monotonic_ns() - s->drawn_ns >= REDRAW_NS)
		draw(s);
}

void build_screen_tick(struct build_screen *s)
{
	if (clock_monotonic_ns() - s->drawn_ns >= REDRAW_NS)
		draw(s);
}

void build_screen_free(struct build_screen *s)
{
	if (!s)
		return;
	erase(s);
	for (unsigned i = 0; i < s->n; i++)
		lane_reset(&s->v[i]);
	(void)fflush(s->out);
	free(s->v);
	free(s);
}
