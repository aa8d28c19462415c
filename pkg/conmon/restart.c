/* SPDX-License-Identifier: MIT */
/*
 * From one run to the next. The policy says whether; the pause before it doubles with each attempt,
 * from a tenth of a second to a minute, and begins anew after a run that lasted, as the count of
 * attempts does. While it waits the monitor answers as always: stop and kill call the next run off.
 * A launch that fails is a run that failed: what stood in its way may be gone the next time.
 */
#include <stdio.h>
#include <string.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/conmon/monitor.h"

#define BACKOFF_FIRST_NS (100 * NS_PER_MS)
#define BACKOFF_MAX_NS (60 * NS_PER_S)
#define GOOD_RUN_NS (10 * NS_PER_S)

static bool policy_wants(const struct monitor *m)
{
	switch (m->cfg.restart) {
	case CONMON_RESTART_ALWAYS:
	case CONMON_RESTART_UNLESS_STOPPED:
		return true;
	case CONMON_RESTART_ON_FAILURE:
		return m->exit_status != 0 &&
		       (m->cfg.restart_max == 0 || m->attempts < m->cfg.restart_max);
	case CONMON_RESTART_NO:
		break;
	}
	return false;
}

bool restart_is_due(struct monitor *m)
{
	int64_t now = clock_monotonic_ns();

	if (now - m->run_since_ns >= GOOD_RUN_NS) {
		m->attempts = 0;
		m->backoff_ns = 0;
	}
	if (m->restart_asked) {
		m->restart_at_ns = now;
		return true;
	}
	if (!m->may_restart || !policy_wants(m))
		return false;
	m->backoff_ns = m->backoff_ns ? 2 * m->backoff_ns : BACKOFF_FIRST_NS;
	if (m->backoff_ns > BACKOFF_MAX_NS)
		m->backoff_ns = BACKOFF_MAX_NS;
	m->restart_at_ns = now + m->backoff_ns;
	m->attempts++;
	return true;
}

void restart_cancel(struct monitor *m, enum conmon_reason why)
{
	m->restart_at_ns = 0;
	m->state.stopped_by_user = why == CONMON_BY_USER;
	finish_record_end(m);
}

int restart_set_policy(struct monitor *m, enum conmon_restart policy, uint32_t max)
{
	m->cfg.restart = policy;
	m->cfg.restart_max = max;
	if (m->restart_at_ns && !m->restart_asked && !policy_wants(m))
		restart_cancel(m, CONMON_BY_ITSELF);
	return 0;
}

static bool pause_is_over(const struct monitor *m)
{
	return m->restart_at_ns == 0 || clock_monotonic_ns() >= m->restart_at_ns;
}

static void answer_askers(struct monitor *m, int r)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (c->fd < 0 || !c->awaits_restart)
			continue;
		(void)control_send(c, CM_REPLY, r, 0, err_trail(), r < 0 ? strlen(err_trail()) : 0);
		control_close(m, i);
	}
}

/* Nothing of it runs: it counts as a run that failed at once. */
static void launch_failed(struct monitor *m, int r)
{
	log_debug("conmon", "start again: %s", err_message(r));
	answer_askers(m, r);
	m->run_since_ns = clock_monotonic_ns();
	m->exited = true;
	m->signalled = false;
	m->exit_status = err_exit_status(r);
	m->reason = CONMON_BY_LAUNCH;
	(void)snprintf(m->state.error, sizeof(m->state.error), "%s", err_message(r));
	finish_record(m);
	err_drop();
}

bool restart_run(struct monitor *m)
{
	while (m->restart_at_ns) {
		bool by_user = m->reason == CONMON_BY_USER;
		int r;

		finish_run(m);
		monitor_serve(m, pause_is_over);
		if (!m->restart_at_ns)
			return false;
		m->restart_at_ns = 0;
		monitor_event(m, "restart", NULL);
		m->state.restarts += !by_user;
		m->state.error[0] = '\0';
		r = monitor_launch(m);
		if (r == 0) {
			answer_askers(m, 0);
			return true;
		}
		launch_failed(m, r);
	}
	return false;
}
