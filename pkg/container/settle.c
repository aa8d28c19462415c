/* SPDX-License-Identifier: MIT */
#include "pkg/container/settle.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/conmon/state.h"
#include "pkg/container/events_internal.h"
#include "pkg/json/json.h"
#include "storage/store.h"

#define LOCK_TRIES 2000
#define EXIT_FOUND "exit.found"

static int look(struct store *st, int containers, const char *id, struct conmon_state *ret)
{
	return conmon_state_look(store_runtime_fd(st), containers, id, ret);
}

/* Not for ever: he may have been stopped. */
static int lock(int data)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};

	for (int tries = 0; flock(data, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK || tries == LOCK_TRIES)
			return -errno;
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

struct told {
	bool start, died, cleanup;
};

static int note(struct json_object *event, void *arg)
{
	struct told *t = arg;
	const char *status = NULL;

	if (json_get_str(event, "Status", &status) < 0)
		err_drop();
	t->start = t->start || (status && strcmp(status, "start") == 0);
	t->died = t->died || (status && strcmp(status, "died") == 0);
	t->cleanup = t->cleanup || (status && strcmp(status, "cleanup") == 0);
	return 0;
}

/* The monitor may have been killed between what it did and the line, or between the line and the record. */
static struct told told_of(struct store *st, const char *id, int64_t since_ns)
{
	AUTO_STRV struct strv filters = STRV_INIT;
	const struct events_query q = {.since_ns = since_ns, .filters = &filters};
	struct told t = {0};

	strv_addf(&filters, "container=%s", id);
	if (events_written(st, &q, note, &t) < 0)
		err_drop();
	return t;
}

/* Under the lock: it is still so, and now it is recorded. */
static int record(struct store *st, const struct container_record *rec, int containers, int data)
{
	struct conmon_state s;
	char extra[96];
	struct stat ours, there;
	struct told told;
	int r = look(st, containers, rec->id, &s);

	if (r < 0 || !s.unrecorded)
		return r;
	/* Somebody did, and has removed it since. */
	if (fstat(data, &ours) < 0 || fstatat(containers, rec->id, &there, 0) < 0 ||
	    ours.st_ino != there.st_ino || faccessat(data, "exit", F_OK, 0) == 0)
		return -ENOENT;
	r = exit_write_as(data, EXIT_FOUND, &s, true);
	if (r < 0)
		return r;
	(void)snprintf(extra, sizeof(extra),
		       "\"ContainerExitCode\":%d,\"OOMKilled\":false,\"ExitReason\":\"%s\"",
		       s.exit_code, conmon_reason_text(s.reason));
	/* First the event: who finds it recorded may remove it, and that is the later one. */
	told = told_of(st, rec->id, s.started_ns);
	if (!told.start && s.started_ns)
		container_event(st, rec, "start", NULL);
	if (!told.died)
		container_event(st, rec, "died", extra);
	if (!told.cleanup && !rec->auto_remove)
		container_event(st, rec, "cleanup", NULL);
	return renameat(data, EXIT_FOUND, data, "exit") < 0 ? err_new(-errno, "record the end") : 0;
}

void container_settle(struct store *st, const struct container_record *rec, struct conmon_state *s)
{
	int containers = s->unrecorded ? store_fd(st, STORE_CONTAINERS) : -EBADF;
	AUTO_CLOSE int data = -EBADF;
	struct conmon_state now;

	if (containers < 0) {
		err_drop();
		return;
	}
	data = openat(containers, rec->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Whoever is at it is done in a moment; what he does must not be overtaken by a removal. */
	if (data < 0 || lock(data) < 0)
		return;
	/* A full disk, a store of others: it stays unrecorded, and is the same to who looks. */
	if (record(st, rec, containers, data) < 0 || look(st, containers, rec->id, &now) < 0)
		err_drop();
	else
		*s = now;
}
