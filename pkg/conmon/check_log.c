/* SPDX-License-Identifier: MIT */
/* What a health check prints, kept in a memfd until it is over, and the log that it goes to then. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/conmon/monitor.h"

#define CHUNK 4096
#define ROUNDS_MAX 64U /* of reading at a time; more than a pipe holds, and an end to a flood */

static bool is_full(const struct monitor *m)
{
	return m->cfg.health_max_size && m->check.said_len >= m->cfg.health_max_size;
}

static void add(struct monitor *m, const char *p, size_t n)
{
	struct check *k = &m->check;

	if (m->cfg.health_max_size && n > m->cfg.health_max_size - k->said_len)
		n = m->cfg.health_max_size - k->said_len;
	if (k->said >= 0 && write_full(k->said, p, n) == 0)
		k->said_len += n;
}

void check_say(struct monitor *m, const char *words)
{
	if (!is_full(m))
		add(m, words, strlen(words));
}

/* It is held open from the first check on: one when there is no descriptor left has words, too. */
void check_say_anew(struct monitor *m)
{
	struct check *k = &m->check;

	if (k->said < 0)
		k->said = memfd_create("cuddy-check", MFD_CLOEXEC);
	if (k->said >= 0 && (ftruncate(k->said, 0) < 0 || lseek(k->said, 0, SEEK_SET) < 0))
		closep(&k->said);
	k->said_len = 0;
}

void check_read(struct monitor *m)
{
	struct check *k = &m->check;
	char buf[CHUNK];

	for (unsigned i = 0; k->out >= 0 && i < ROUNDS_MAX; i++) {
		ssize_t n = read(k->out, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			closep(&k->out);
		else if (!is_full(m))
			add(m, buf, (size_t)n);
	}
}

static void write_log(const struct monitor *m, enum conmon_health status,
		      const struct health_result *e, bool keep)
{
	const struct health_place at = {
		.state_dir = m->state_dir, .id = m->cfg.id, .dir = m->cfg.health_log_dir};
	const struct health_verdict v = {.status = conmon_health_text(status),
					 .streak = m->check.streak};

	if (health_write(&at, &v, e, m->cfg.health_max_count, keep) < 0)
		err_drop(); /* a full tmpfs; a directory that is gone */
}

void check_log_begin(const struct monitor *m)
{
	write_log(m, m->state.health, NULL, m->cfg.health_log_dir != NULL);
}

void check_log_again(const struct monitor *m)
{
	write_log(m, m->state.health, NULL, true);
}

static void tell_event(const struct monitor *m, const struct health_result *e)
{
	static char extra[HEALTH_EVENT_MAX + 128];
	size_t n = (size_t)snprintf(extra, sizeof(extra),
				    "\"HealthStatus\":\"%s\",\"HealthFailingStreak\":%u",
				    conmon_health_text(m->state.health), m->check.streak);

	if (m->cfg.no_health_events)
		return;
	if (m->cfg.health_to_events) {
		n += (size_t)snprintf(extra + n, sizeof(extra) - n, ",\"HealthLog\":\"");
		health_event(e, extra + n);
		n += strlen(extra + n);
		(void)snprintf(extra + n, sizeof(extra) - n, "\"");
	}
	monitor_event(m, "health_status", extra);
}

void check_set_status(struct monitor *m, enum conmon_health h)
{
	if (m->state.health == h)
		return;
	log_debug("conmon", "health: %s", conmon_health_text(h));
	m->state.health = h;
	monitor_write_state(m);
}

void check_log_result(struct monitor *m, enum conmon_health status)
{
	struct check *k = &m->check;
	struct health_result e = {.start_ns = k->start_ns,
				  .end_ns = clock_now_ns(),
				  .exit_code = k->exit_code,
				  .output = ""};
	void *map = MAP_FAILED;

	if (k->said_len)
		map = mmap(NULL, k->said_len, PROT_READ, MAP_SHARED, k->said, 0);
	if (map != MAP_FAILED) {
		e.output = map;
		e.len = k->said_len;
	}
	write_log(m, status, &e, true);
	check_set_status(m, status);
	tell_event(m, &e);
	if (map != MAP_FAILED)
		(void)munmap(map, k->said_len);
}
