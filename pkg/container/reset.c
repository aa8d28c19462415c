/* SPDX-License-Identifier: MIT */
#include "pkg/container/reset.h"

#include <signal.h>
#include <time.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/conmon/client.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/process.h"
#include "pkg/sys/rmtree.h"
#include "storage/container_store.h"
#include "storage/listed.h"

#define MONITOR_DEATH_MS 10000

/* The payload dies with its monitor; the lock is free when both are gone. */
static int end_monitor(const struct container_dirs *dirs)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	int64_t end = clock_monotonic_ns() + MONITOR_DEATH_MS * NS_PER_MS;
	struct conmon_state state;

	if (dirs->runtime_fd < 0)
		return 0;
	while (lock_is_held(dirs->runtime_fd, "lock") == 1) {
		AUTO_CLOSE int pidfd = -EBADF;

		if (conmon_state_read(dirs->runtime_fd, dirs->data_fd, &state) == 0)
			pidfd = pidfd_of(&state.monitor);
		if (pidfd >= 0)
			(void)pidfd_signal(pidfd, SIGKILL);
		err_drop();
		if (clock_monotonic_ns() > end)
			return err_new(-CE_BAD_STATE, "its monitor cannot be found and does not "
						      "end");
		(void)nanosleep(&pause, NULL);
	}
	err_drop();
	return 0;
}

static int end_all(struct store *st, const struct strv *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		struct container_dirs dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF};
		int r = container_store_look(st, ids->v[i], &dirs);

		if (r < 0) {
			err_drop(); /* gone, or nothing that a monitor could work on */
			continue;
		}
		r = end_monitor(&dirs);
		container_dirs_done(&dirs);
		if (r < 0)
			return err_wrap(r, "container %.12s", ids->v[i]);
	}
	return 0;
}

int store_reset(struct store *st)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	if (r == 0)
		r = end_all(st, &ids);
	if (r == 0)
		r = base_enter_own(store_runtime_fd(st));
	if (r == 0)
		r = store_erase(st);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = rmtree(store_runtime_fd(st), ids.v[i]);
	if (r == 0)
		listed_forget(st);
	return r;
}
