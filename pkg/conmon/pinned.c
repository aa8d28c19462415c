/* SPDX-License-Identifier: MIT */
/*
 * A pod's holder has nothing to execute. Unless it keeps a pid namespace, which needs a living pid 1, its
 * first process ends when all is made, and the run is what we hold: descriptors of the namespaces. It is
 * over when somebody wants it to be, or when we are.
 */
#include <signal.h>

#include "pkg/conmon/monitor.h"

void pinned_begin(struct monitor *m)
{
	m->pinned = m->run.pins[RT_PIN_MOUNTS] >= 0;
	for (unsigned i = 0; i < RT_PIN_COUNT; i++) {
		int fd = !m->pinned ? 0 : i == RT_PIN_ROOT ? m->run.root_fd : m->run.pins[i];

		m->state.pins[i] = fd > 0 ? fd : 0;
	}
}

void pinned_signal(struct monitor *m, int sig)
{
	switch (sig) {
	case SIGTERM:
	case SIGINT:
	case SIGHUP:
	case SIGQUIT:
		m->exit_status = 0;
		break;
	case SIGKILL:
		m->exit_status = 128 + SIGKILL;
		m->signalled = true;
		break;
	default:
		return;
	}
	m->exited = true;
}

void pinned_end(struct monitor *m)
{
	if (!m->pinned)
		return;
	m->pinned = false;
	pins_close(m->run.pins);
	for (unsigned i = 0; i < RT_PIN_COUNT; i++)
		m->state.pins[i] = 0;
}

pid_t pinned_visit(struct monitor *m)
{
	return m->pinned ? pins_visit(m->run.pins) : m->run.pid;
}

void pinned_leave(struct monitor *m, pid_t visitor)
{
	if (m->pinned)
		pins_leave(visitor);
}
