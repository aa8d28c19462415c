/* SPDX-License-Identifier: MIT */
/*
 * The journal of events: runroot/events, a JSON object a line, and events.1 before it. Whoever makes a
 * change appends its line, with one write; whoever finds the file full renames it. Best effort:
 * nothing fails, and nothing waits, for a journal.
 *
 *	{"Time":"…","Type":"container","Status":"start","ID":"…","Name":"…","Image":"…","Attributes":{…}}
 *
 * A line follows the change, so that it tells the truth. Who makes something or removes it says before
 * that what the line will be, in runroot/pending/<n>, which it holds locked until the line is written. One
 * that nobody holds was left by somebody who was killed: whoever reads the journal next looks whether the
 * change was made, and writes the line (pkg/container/events_mend.c).
 */
#pragma once
#include <stddef.h>

#define EVENTS_FILE "events"
#define EVENTS_OLD "events.1"
#define EVENTS_PENDING "pending"
#define EVENTS_MAX (1U << 20) /* bytes of a file; podman's default too */

/**
 * event_write() - append one. No allocation.
 * @dir: the runtime directory. @id: NULL when there is none. @name: in letters that JSON takes as they
 * are, or NULL. @body, @extra: further members as JSON text ("\"Image\":\"x\""), or NULL.
 */
void event_write(int dir, const char *type, const char *status, const char *id, const char *name,
		 const char *body, const char *extra);
/** event_write_each() - what happens at once to one thing, with one write; at most EVENT_EACH_MAX. */
#define EVENT_EACH_MAX 3
void event_write_each(int dir, const char *type, const char *const *statuses, unsigned n,
		      const char *id, const char *name, const char *body);
/** event_append() - @n bytes that are whole lines. */
void event_append(int dir, const char *lines, size_t n);
/** event_named() - the same of a thing that has but a name. */
void event_named(int dir, const char *type, const char *status, const char *id, const char *name);

/* A change that is about to be made. */
struct event_pending {
	int fd; /* locked; -EBADF: it could not be said, which fails nobody */
	char name[64];
};
/** event_begin() - before the change; the arguments as for event_write(). No allocation. */
void event_begin(int dir, const char *type, const char *status, const char *id, const char *name,
		 const char *body, struct event_pending *ret);
void event_begin_named(int dir, const char *type, const char *status, const char *id,
		       const char *name, struct event_pending *ret);
/** event_over() - the line is written, or nothing was changed. */
void event_over(int dir, struct event_pending *p);
