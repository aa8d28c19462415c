/* SPDX-License-Identifier: MIT */
/* Freezing and thawing: the monitor asks the kernel, we wait until it has done so. */
#include <fcntl.h>

#include "pkg/base/err.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/container.h"

#define FREEZE_MS 20000

static int no_cgroup(void)
{
	return err_new(-CE_HOST_SETUP,
		       "it has no cgroup of its own that could be frozen; %s, and start the "
		       "container again",
		       cgroup_mending());
}

int container_pause(struct container *c, bool pause)
{
	AUTO_CLOSE int dir = -EBADF;
	int r;

	if (!container_is_running(c))
		return err_new(-CE_BAD_STATE, "it does not run");
	if ((c->state.status == CONMON_PAUSED) == pause)
		return err_new(-CE_BAD_STATE, pause ? "it is paused already" : "it is not paused");
	if (conmon_is_pinned(&c->state)) /* nothing runs in there */
		return conmon_pause(c->dirs.runtime_fd, pause);
	if (!*c->state.cgroup)
		return no_cgroup();
	dir = open(c->state.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_new(-errno, "open cgroup %s", c->state.cgroup);
	r = conmon_pause(c->dirs.runtime_fd, pause);
	if (r == -ESRCH)
		return err_new(-CE_BAD_STATE, "it does not run");
	if (r < 0)
		return r;
	r = cgroup_freeze(dir, pause, FREEZE_MS);
	if (r < 0 && pause) {
		(void)conmon_pause(c->dirs.runtime_fd, false);
		err_drop();
	}
	if (r == -ENODEV || r == -ENOENT)
		return err_new(-CE_BAD_STATE, "it ended meanwhile");
	return r < 0 ? err_new(r, pause ? "freeze its processes" : "thaw its processes") : 0;
}
