/* SPDX-License-Identifier: MIT */
/*
 * The journal of events: runroot/events, a JSON object a line, and events.1 before it. Whoever makes a
 * change appends its line, with one write; whoever finds the file full renames it. Best effort:
 * nothing fails, and nothing waits, for a journal.
 *
 *	{"Time":"…","Type":"container","Status":"start","ID":"…","Name":"…","Image":"…","Attributes":{…}}
 */
#pragma once

#define EVENTS_FILE "events"
#define EVENTS_OLD "events.1"
#define EVENTS_MAX (1U << 20) /* bytes of a file; podman's default too */

/**
 * event_write() - append one. No allocation.
 * @dir: the runtime directory. @id: NULL when there is none. @name: in letters that JSON takes as they
 * are, or NULL. @body, @extra: further members as JSON text ("\"Image\":\"x\""), or NULL.
 */
void event_write(int dir, const char *type, const char *status, const char *id, const char *name,
		 const char *body, const char *extra);
/** event_named() - the same of a thing that has but a name. */
void event_named(int dir, const char *type, const char *status, const char *id, const char *name);
