/* SPDX-License-Identifier: MIT */
/* What a person sees of a transfer: progress and warnings on stderr. Shared by all verbs that may pull or load. */
#pragma once
#include <stdbool.h>

#include "pkg/image/transfer_client.h"

enum report_kind {
	REPORT_PULL, /* blob by blob; plain lines where there is no terminal */
	REPORT_READ, /* one archive: a bar on a terminal, else nothing */
};

struct transfer_report {
	struct transfer_handler handler; /* to hand down */
	struct progress *progress;
	void (*on_image)(const char *reference, const char *id);
};

/**
 * transfer_report_init() - @quiet: warnings only
 * @on_image: print what arrived, to stdout; may be NULL. @r stays where it is until it is done.
 */
void transfer_report_init(struct transfer_report *r, enum report_kind kind, bool quiet,
			  void (*on_image)(const char *reference, const char *id));
/** transfer_report_done() - before anything else is printed; the last state of the bars stays. */
void transfer_report_done(struct transfer_report *r);
