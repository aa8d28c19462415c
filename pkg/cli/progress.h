/* SPDX-License-Identifier: MIT */
/*
 * Progress of several things at once, for a person. On a terminal: one line each with a bar and one
 * for the sum with speed and time left, redrawn in place; what does not fit on the screen is left
 * out. Anywhere else: one plain line when a thing is done, which reads well in a log file.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum progress_state { PROGRESS_WAITING, PROGRESS_RUNNING, PROGRESS_DONE, PROGRESS_EXISTS };

struct progress_item {
	uint32_t number; /* 0 … in the order they are shown */
	enum progress_state state;
	const char *label; /* comes from outside; copied */
	uint64_t done, total; /* bytes; total 0: not known */
};

struct progress_options {
	FILE *out;
	const char *verb; /* "Copying blob" */
	bool bars; /* as progress_wants_bars() says */
	unsigned rows, columns; /* 0: ask the terminal each time */
	int64_t (*now_ns)(void); /* NULL: the monotonic clock */
};

struct progress;

/** progress_wants_bars() - @out is a terminal that can move its cursor, and we are in the foreground of it. */
bool progress_wants_bars(FILE *out);
struct progress *progress_new(const struct progress_options *o);
/** progress_update() - news of one item. */
void progress_update(struct progress *p, const struct progress_item *item);
/** progress_tick() - time passed; redraws what depends on it (speed) when that is due. */
void progress_tick(struct progress *p);
/** progress_pause() - take the bars off the screen: somebody prints. The next update draws them anew. */
void progress_pause(struct progress *p);
/**
 * progress_free() - draw the last state, which stays on the screen (not of one thing alone that was
 * taken off it). NULL is fine.
 */
void progress_free(struct progress *p);
