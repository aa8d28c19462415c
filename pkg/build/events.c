/* SPDX-License-Identifier: MIT */
#include "pkg/build/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/io.h"
#include "pkg/sys/random.h"

#define MARK '\x01'

void events_word(char ret[EVENTS_WORD])
{
	random_hex(ret, EVENTS_WORD - 1);
}

/* One write each: what commands write at the same time comes before or after it. */
static void put(const struct events_report *e, enum build_event_kind kind, unsigned n,
		unsigned total, const char *text)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	sbuf_addf(&b, "\n%c%s %d %u %u ", MARK, e->word, (int)kind, n, total);
	for (const char *p = text ? text : ""; *p; p++)
		sbuf_addc(&b, *p == '\n' || *p == '\r' ? ' ' : *p);
	sbuf_addc(&b, '\n');
	(void)write_full(STDERR_FILENO, b.s, b.len);
}

static void on_step(void *data, unsigned n, unsigned total, const char *text)
{
	put(data, BUILD_EVENT_STEP, n, total, text);
}

static void on_cached(void *data)
{
	put(data, BUILD_EVENT_CACHED, 0, 0, "");
}

static void on_warning(void *data, const char *text)
{
	put(data, BUILD_EVENT_WARNING, 0, 0, text);
}

static void on_reason(void *data, const char *text)
{
	put(data, BUILD_EVENT_REASON, 0, 0, text);
}

void events_report_init(struct events_report *e, const char *word)
{
	*e = (struct events_report){.word = word,
				    .report = {.step = on_step,
					       .cached = on_cached,
					       .warning = on_warning,
					       .reason = on_reason,
					       .data = e}};
}

int events_parse(const char *line, const char *word, struct build_event *ret)
{
	size_t n = strlen(word);
	int kind, used = 0;

	if (line[0] != MARK || strncmp(line + 1, word, n) != 0 ||
	    sscanf(line + 1 + n, " %d %u %u%n", &kind, &ret->n, &ret->total, &used) != 3 ||
	    kind < 0 || kind > BUILD_EVENT_END || line[1 + n + (size_t)used] != ' ')
		return 0;
	ret->kind = (enum build_event_kind)kind;
	ret->text = line + 1 + n + (size_t)used + 1;
	return 1;
}
