/* SPDX-License-Identifier: MIT */
/*
 * What a worker tells of its steps, for who shows more than lines: as lines of its standard error
 * that begin with a word nobody else knows, so that they keep their place among what commands write.
 */
#pragma once
#include "pkg/build/build.h"
#include "pkg/base/sbuf.h"

#define EVENTS_WORD 33 /* with its NUL */

/** events_word() - a new one. */
void events_word(char ret[EVENTS_WORD]);
struct events_report {
	const char *word;
	struct build_report report;
};
/** events_report_init() - a report that writes such lines to standard error. */
void events_report_init(struct events_report *e, const char *word);
/** events_parse() - 1: the line is one, as @ret says (stage is left alone; text points into the line). */
int events_parse(const char *line, const char *word, struct build_event *ret);
