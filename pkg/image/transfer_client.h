/* SPDX-License-Identifier: MIT */
/* cuddy's side of cuddy-transfer: start it, hand it one request, follow it to the end. */
#pragma once
#include "pkg/transfer/protocol.h"
#include "storage/store.h"

struct transfer_handler {
	/* Each may be NULL. Text comes from outside: print it by put_untrusted(). */
	void (*progress)(void *data, const struct transfer_progress *p);
	void (*message)(void *data, bool warning, const char *text);
	void (*image)(void *data, const char *reference, const char *id);
	void (*tick)(void *data); /* some time passed without any of these */
	/* Which of @names is meant by @typed: an index, or a negative code. NULL: nobody is there to ask. */
	int (*choose)(void *data, const char *typed, const struct strv *names);
	void *data;
};

/**
 * transfer_expect() - a registry is going to be talked to: start cuddy-transfer now
 * It loads its libraries, which takes longer than anything else of a small job, while we find out what to ask
 * it for. The next transfer_run() takes it; it ends with us when there is none.
 */
void transfer_expect(void);

/**
 * transfer_run() - one operation of cuddy-transfer, start to end
 * @body: the operation's fields (transfer_pull_put() …); @fds: descriptors that go with it.
 * Enters B (base_enter()): afterwards this process is uid 0 there; not so for a pull or push, which get B
 * when they want it, and without @st (NULL), for what only talks to registries. SIGINT, SIGTERM and SIGHUP
 * cancel: transfer gets 5 s to undo, then is killed; -CE_INTERRUPTED.
 */
struct user_side_offer; /* pkg/transfer/user_side.h */
/** transfer_run_for() - the same; the user's side also does what @o says. */
int transfer_run_for(struct store *st, enum transfer_op op, const struct sbuf *body, const int *fds,
		     unsigned n_fds, const struct transfer_handler *h,
		     const struct user_side_offer *o);
int transfer_run(struct store *st, enum transfer_op op, const struct sbuf *body, const int *fds,
		 unsigned n_fds, const struct transfer_handler *h);
/** transfer_fetch_to() - what a URL gives, into the file @fd, which is at its beginning then. @h: NULL, nobody is told. */
int transfer_fetch_to(const struct transfer_fetch *f, const struct transfer_handler *h, int fd);
