/* SPDX-License-Identifier: MIT */
/*
 * sd_notify(3), on behalf of the container. The manager must take us for the main process of the unit,
 * since the cuddy that started us goes; so MAINPID is ours to say and nobody else's. In the foreground that
 * cuddy stays, ends with the container's status and is the main process already. What the payload
 * says goes on line by line, if it is on the list: it may tell of its state, and not move processes or
 * descriptors about. READY=1 goes on once, and again after each RELOADING=1.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/conmon/monitor.h"
#include "pkg/sys/open.h"
#include "pkg/sys/socket.h"

#define MESSAGE_MAX 4096
#define BURST_MAX 16

static const char *const allowed[] = {
	"STATUS=",    "STOPPING=1",       "RELOADING=1",          "MONOTONIC_USEC=", "ERRNO=",
	"WATCHDOG=1", "WATCHDOG=trigger", "EXTEND_TIMEOUT_USEC=", "EXIT_STATUS=",
};

static void say(const struct monitor *m, const char *text, size_t n)
{
	if (n && m->cfg.notify != CONMON_NOTIFY_NONE &&
	    send(CM_FD_NOTIFY, text, n, MSG_NOSIGNAL) < 0)
		log_debug("conmon", "the service manager does not listen: %s", err_text(-errno));
}

int notify_open(struct monitor *m)
{
	AUTO_CLOSE int dir = -EBADF;

	if (m->cfg.notify != CONMON_NOTIFY_CONTAINER)
		return 0;
	dir = open_nofollow(m->state_dir, CONMON_NOTIFY_DIR, O_RDONLY | O_DIRECTORY, 0);
	m->notify_in = dir < 0 ? dir : socket_datagram_at(dir, CONMON_NOTIFY_SOCKET);
	return m->notify_in < 0 ? m->notify_in : 0;
}

static void ready(struct monitor *m, const char *with)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%sREADY=1\n", with);

	if (!m->is_ready)
		say(m, text, (size_t)n);
	m->is_ready = true;
}

void notify_started(struct monitor *m)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "MAINPID=%d\n", (int)getpid());

	if (m->cfg.foreground)
		return;
	if (m->cfg.notify == CONMON_NOTIFY_CONMON && !m->is_ready)
		ready(m, text);
	else
		say(m, text, (size_t)n);
}

void notify_healthy(struct monitor *m)
{
	if (m->cfg.notify == CONMON_NOTIFY_HEALTHY)
		ready(m, "");
}

/* An end that somebody asked for is no failure, whichever signal it took. */
int notify_exit_status(const struct monitor *m)
{
	bool asked = m->stop_asked || m->reason == CONMON_BY_SESSION;

	return asked || m->cfg.notify == CONMON_NOTIFY_NONE ? 0 : m->exit_status;
}

static bool starts_with(const char *line, size_t n, const char *what)
{
	size_t len = strlen(what);

	return n >= len && memcmp(line, what, len) == 0 && (what[len - 1] == '=' || n == len);
}

static bool may_pass(struct monitor *m, const char *line, size_t n)
{
	if (starts_with(line, n, "READY=1")) {
		bool first = !m->is_ready;

		m->is_ready = true;
		return first;
	}
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		if (starts_with(line, n, allowed[i])) {
			if (starts_with(line, n, "RELOADING=1"))
				m->is_ready = false;
			return true;
		}
	return false;
}

void notify_read(struct monitor *m)
{
	static char in[MESSAGE_MAX], out[MESSAGE_MAX + 1];
	ssize_t n;

	if (m->notify_in < 0)
		return;
	/* Descriptors that come along have nowhere to go: the kernel closes them. Others wait their turn. */
	for (unsigned i = 0; i < BURST_MAX; i++) {
		size_t len = 0;

		n = recv(m->notify_in, in, sizeof(in), MSG_DONTWAIT);
		if (n < 0)
			return;

		for (char *l = in, *end = in + n; l < end;) {
			char *stop = memchr(l, '\n', (size_t)(end - l));
			size_t size = (size_t)((stop ? stop : end) - l);

			if (may_pass(m, l, size)) {
				memcpy(out + len, l, size);
				len += size;
				out[len++] = '\n';
			}
			l += size + 1;
		}
		say(m, out, len);
	}
}
