/* SPDX-License-Identifier: MIT */
/* For events.c: before the journal is read. */
#pragma once
#include "pkg/container/events.h"

/** events_written() - what stands in the journal, as events_read() without a stream, and nothing is mended. */
int events_written(struct store *st, const struct events_query *q,
		   int (*each)(struct json_object *event, void *arg), void *arg);

/**
 * events_mend() - write the lines that somebody was killed before he could
 * Return: true while somebody is about to write one himself; look again soon.
 */
bool events_mend(struct store *st);
