/* SPDX-License-Identifier: MIT */
#include "cmd/transfer_report.h"

#include <stdio.h>

#include "cmd/ask.h"
#include "pkg/base/alloc.h"
#include "pkg/cli/format.h"
#include "pkg/cli/progress.h"

static void on_progress(void *data, const struct transfer_progress *p)
{
	static const enum progress_state states[] = {
		[TRANSFER_WAITING] = PROGRESS_WAITING,
		[TRANSFER_RUNNING] = PROGRESS_RUNNING,
		[TRANSFER_DONE] = PROGRESS_DONE,
		[TRANSFER_EXISTS] = PROGRESS_EXISTS,
	};
	struct transfer_report *r = data;
	struct progress_item item = {
		.number = p->item, .label = p->label, .done = p->done, .total = p->total};

	if (!r->progress || p->state > TRANSFER_EXISTS)
		return;
	item.state = states[p->state];
	progress_update(r->progress, &item);
}

static void on_tick(void *data)
{
	struct transfer_report *r = data;

	if (r->progress)
		progress_tick(r->progress);
}

static void on_message(void *data, bool warning, const char *text)
{
	struct transfer_report *r = data;

	if (r->progress)
		progress_pause(r->progress);
	(void)fputs(warning ? "cuddy: warning: " : "cuddy: ", stderr);
	put_untrusted(stderr, text);
	(void)fputc('\n', stderr);
}

static int choose(void *data, const char *typed, const struct strv *names)
{
	struct transfer_report *r = data;
	AUTO_FREE char *question = xasprintf("%s is not a full name. Which one is meant?", typed);

	if (r->progress)
		progress_pause(r->progress);
	return ask_which(question, names);
}

/* Standard output may be the same terminal. */
static void on_image(void *data, const char *reference, const char *id)
{
	struct transfer_report *r = data;

	if (!r->on_image)
		return;
	if (r->progress)
		progress_pause(r->progress);
	r->on_image(reference, id);
	(void)fflush(stdout);
}

void transfer_report_init(struct transfer_report *r, enum report_kind kind, bool quiet,
			  void (*on_image_fn)(const char *reference, const char *id))
{
	struct progress_options o = {.out = stderr,
				     .verb = kind == REPORT_PULL ? "Copying blob" : "Reading",
				     .bars = progress_wants_bars(stderr)};

	*r = (struct transfer_report){.on_image = on_image_fn};
	r->handler = (struct transfer_handler){.message = on_message,
					       .image = on_image,
					       .choose = ask_can() ? choose : NULL,
					       .data = r};
	if (quiet || (kind == REPORT_READ && !o.bars))
		return;
	r->progress = progress_new(&o);
	r->handler.progress = on_progress;
	r->handler.tick = on_tick;
}

void transfer_report_done(struct transfer_report *r)
{
	progress_free(r->progress);
	r->progress = NULL;
}
