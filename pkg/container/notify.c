/* SPDX-License-Identifier: MIT */
#include "pkg/container/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/sys/socket.h"

#define PATIENCE_MS 1000

void notify_done(struct notify *n)
{
	closep(&n->fd);
}

static bool is_ours(const struct notify *n, bool foreground)
{
	return foreground && n->who == CONMON_NOTIFY_CONMON;
}

enum conmon_notify notify_monitor(const struct notify *n, bool foreground)
{
	return is_ours(n, foreground) ? CONMON_NOTIFY_NONE : n->who;
}

void notify_started(const struct notify *n, bool foreground)
{
	static const char ready[] = "READY=1\n";

	if (is_ours(n, foreground) && send(n->fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL) < 0)
		log_warn("NOTIFY_SOCKET: the service manager does not listen: %s",
			 err_text(-errno));
}

static enum conmon_notify who_of(const struct container_record *rec)
{
	const char *s = rec->sdnotify;

	if (!s)
		return CONMON_NOTIFY_CONTAINER;
	if (strcmp(s, "conmon") == 0)
		return CONMON_NOTIFY_CONMON;
	return strcmp(s, "healthy") == 0 ? CONMON_NOTIFY_HEALTHY : CONMON_NOTIFY_NONE;
}

enum conmon_notify notify_who(const struct container_record *rec)
{
	const char *address = getenv("NOTIFY_SOCKET");

	return address && *address ? who_of(rec) : CONMON_NOTIFY_NONE;
}

const char *notify_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t interval;
	uint32_t owner;

	if (!usec || parse_u64(usec, UINT64_MAX, &interval) < 0)
		return NULL;
	return pid && (parse_u32(pid, INT32_MAX, &owner) < 0 || (pid_t)owner != getpid()) ? NULL
											  : usec;
}

int notify_begin(const struct container *c, struct notify *ret)
{
	enum conmon_notify who = notify_who(c->rec);

	if (who == CONMON_NOTIFY_NONE)
		return 0;
	ret->fd = socket_datagram_to(getenv("NOTIFY_SOCKET"), PATIENCE_MS);
	if (ret->fd < 0)
		return err_wrap(ret->fd, "NOTIFY_SOCKET (--sdnotify=ignore does without it)");
	ret->who = who;
	if (ret->who == CONMON_NOTIFY_CONTAINER &&
	    ((mkdirat(c->dirs.runtime_fd, CONMON_NOTIFY_DIR, 0755) < 0 && errno != EEXIST) ||
	     fchmodat(c->dirs.runtime_fd, CONMON_NOTIFY_DIR, 0755, 0) < 0)) /* whatever our umask */
		return err_new(-errno, "make the directory of the container's notify socket");
	return 0;
}
