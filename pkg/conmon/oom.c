/* SPDX-License-Identifier: MIT */
/*
 * Kills for want of memory while the container lives on: of a child of pid 1, or of an exec.
 * The kernel announces a change of memory.events as POLLPRI until the file is read. It changes with
 * each reclaim too, a hundred times a second, so that after a look there is none for a second; what
 * was killed meanwhile is told then, or by the end of the run.
 */
#include <fcntl.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/conmon/monitor.h"

static int kills_of(const struct monitor *m, uint64_t *ret)
{
	return m->oom.fd < 0 ? -EBADF : cgroup_key_of(m->oom.fd, "oom_kill", ret);
}

void oom_begin(struct monitor *m)
{
	struct oom_watch *o = &m->oom;

	closep(&o->fd);
	o->quiet_until_ns = 0;
	o->before = 0;
	if (m->cgroup >= 0)
		o->fd = openat(m->cgroup, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (kills_of(m, &o->before) < 0)
		closep(&o->fd); /* no such controller here */
	o->told = o->before;
}

static void look(struct monitor *m)
{
	struct oom_watch *o = &m->oom;
	uint64_t n;

	if (kills_of(m, &n) < 0) {
		closep(&o->fd); /* the cgroup is gone: poll would return at once for ever */
	} else if (n > o->told) {
		o->told = n;
		monitor_event(m, "oom", NULL);
	}
}

int oom_wanted(const struct monitor *m)
{
	return m->oom.quiet_until_ns ? -EBADF : m->oom.fd;
}

void oom_read(struct monitor *m, int64_t now, bool announced)
{
	struct oom_watch *o = &m->oom;

	if (o->quiet_until_ns && now >= o->quiet_until_ns)
		o->quiet_until_ns = 0;
	if (o->fd < 0 || !announced)
		return;
	look(m);
	o->quiet_until_ns = now + NS_PER_S;
}

void oom_pardon(struct monitor *m)
{
	look(m);
	m->oom.before = m->oom.told;
}

bool oom_end(struct monitor *m)
{
	struct oom_watch *o = &m->oom;
	bool killed;

	look(m);
	killed = o->told > o->before;
	o->before = o->told; /* a start that fails is another end */
	closep(&o->fd);
	o->quiet_until_ns = 0;
	return killed;
}
