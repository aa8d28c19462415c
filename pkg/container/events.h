/* SPDX-License-Identifier: MIT */
/* Events of containers: what is written (the journal itself is storage/event.h), and reading it. */
#pragma once
#include "pkg/container/container.h"

struct json_object;

/** event_members() - what all events of a thing say besides id, time and status: JSON members, into an empty @out. */
void event_members(const char *image, const struct strv *labels, struct sbuf *out);
/** event_body() - those of a container. */
void event_body(const struct container_record *rec, struct sbuf *out);
/** event_body_with() - the same with these attributes instead of its labels. */
void event_body_with(const struct container_record *rec, const struct strv *attributes,
		     struct sbuf *out);
#define EVENT_COMMITTED "CommittedImage" /* member of "commit": the id of what was made */
/** container_event_begin() - what its line will be, before it is made or removed (storage/event.h). */
struct event_pending;
void container_event_begin(struct store *st, const struct container_record *rec, const char *status,
			   struct event_pending *ret);
/** container_event() - append one to the journal; @extra: further JSON members, or NULL. */
void container_event(struct store *st, const struct container_record *rec, const char *status,
		     const char *extra);

struct events_query {
	int64_t since_ns, until_ns; /* 0: no bound */
	bool stream; /* go on with what comes, until then */
	const struct strv *filters;
};

/** events_check() - the filters' grammar; -CE_USAGE. */
int events_check(const struct strv *filters);
/** events_read() - call @each for what matches, oldest first, as long as it returns 0; what it was given is not kept. */
int events_read(struct store *st, const struct events_query *q,
		int (*each)(struct json_object *event, void *arg), void *arg);
