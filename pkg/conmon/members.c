/* SPDX-License-Identifier: MIT */
/*
 * Who is in a pod that ends with its containers. Each member's monitor holds CONMON_MEMBERS, a FIFO that we
 * made, open for writing for as long as it lives; the kernel tells us when the last one is gone, however
 * that went. So any number of them costs us one descriptor.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/conmon/monitor.h"

static int open_fifo(struct monitor *m)
{
	m->members = openat(m->state_dir, CONMON_MEMBERS,
			    O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	return m->members < 0 ? err_new(-errno, "open " CONMON_MEMBERS) : 0;
}

int members_begin(struct monitor *m)
{
	if (!m->cfg.ends_with_members)
		return 0;
	if ((unlinkat(m->state_dir, CONMON_MEMBERS, 0) < 0 && errno != ENOENT) ||
	    mkfifoat(m->state_dir, CONMON_MEMBERS, 0600) < 0)
		return err_new(-errno, "make " CONMON_MEMBERS);
	return open_fifo(m);
}

void members_read(struct monitor *m)
{
	struct pollfd p = {.fd = m->members, .events = POLLIN};

	/* Not before the first one came: until then there is no end of file either. */
	if (m->members < 0 || poll(&p, 1, 0) != 1 || !(p.revents & (POLLHUP | POLLERR)))
		return;
	closep(&m->members);
	/* Opened anew it is silent until the next one came and went. */
	if (open_fifo(m) < 0)
		err_drop();
	if (m->exited)
		return;
	m->stop_asked = true;
	stop_run(m, CONMON_BY_USER, 0, (int64_t)m->cfg.stop_timeout_s * 1000);
}
