/* SPDX-License-Identifier: MIT */
/* Ending containers: stop, kill, wait, remove, and tidying after crashes. */
#include <signal.h>
#include <string.h>
#include <time.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/plan.h"
#include "pkg/container/volumes.h"
#include "pkg/image/remove.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/process.h"
#include "storage/event.h"
#include "storage/store.h"
#include "storage/volume.h"

#define MONITOR_LINGER_MS 2000

static int refresh(struct container *c)
{
	return conmon_state_read(c->dirs.runtime_fd, c->dirs.data_fd, &c->state);
}

int container_stop(struct container *c, int signal, int64_t grace_s)
{
	int64_t s = grace_s == -2 ? c->rec->stop_timeout : grace_s;
	int r;

	if (!container_is_running(c))
		return 0;
	r = err_forgive(conmon_stop(c->dirs.runtime_fd, signal, s < 0 ? -1 : s * 1000), -ESRCH);
	return r < 0 ? r : refresh(c);
}

int container_kill(struct container *c, int sig)
{
	if (!container_is_running(c))
		return err_new(-CE_BAD_STATE, "it does not run, so it cannot get a signal");
	return conmon_kill(c->dirs.runtime_fd, sig);
}

/* What was made for this container, or for another whose volumes it took; with @drop it goes with its last user. */
static int leave_volumes(struct store *st, const struct container_record *rec, bool drop)
{
	for (unsigned i = 0; i < rec->n_mounts; i++) {
		const char *name = rec->mounts[i].source;
		int r = rec->mounts[i].anonymous ? volume_leave(st, name, rec->id) : 0;

		if (r == 1 && drop)
			r = volume_remove_told(st, name);
		if (r < 0 && r != -CE_NO_VOLUME)
			return err_wrap(r, "volume %s", name);
	}
	err_drop();
	return 0;
}

static void kill_monitor(const struct container *c)
{
	AUTO_CLOSE int pidfd = pidfd_of(&c->state.monitor);

	if (pidfd >= 0)
		(void)pidfd_signal(pidfd, SIGKILL);
	err_drop();
}

int container_monitor_lock(struct container *c, const struct remove_options *o)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	int64_t end = clock_monotonic_ns() + MONITOR_LINGER_MS * NS_PER_MS;

	for (;;) {
		int lock = lock_try_open(c->dirs.runtime_fd, "lock", LOCK_EXCLUSIVE), r = 0;

		if (lock != -EWOULDBLOCK)
			return lock;
		if (o)
			r = refresh(c);
		if (o && r == 0 && container_is_running(c)) {
			if (!o->force && container_has_begun(c))
				return err_new(-CE_BAD_STATE,
					       "it runs; stop it first or use --force");
			r = container_stop(c, 0, o->grace_s);
		}
		if (r < 0)
			return r;
		if (clock_monotonic_ns() > end) {
			if (!o || !o->force)
				return err_new(-CE_BAD_STATE,
					       "its last monitor is still at work; 'rm --force' "
					       "would end it");
			kill_monitor(c);
			end += MONITOR_LINGER_MS * NS_PER_MS;
		}
		(void)nanosleep(&pause, NULL);
	}
}

static int remove_locked(struct store *st, struct container *c, const struct remove_options *o)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id), monitor = -EBADF;
	struct event_pending event = {.fd = -EBADF};
	int r = lock;

	if (r >= 0)
		r = monitor = container_monitor_lock(c, o);
	r = err_forgive(r, -ENOENT); /* its runtime directory went */
	if (r >= 0)
		r = refresh(c); /* ends a payload whose monitor was killed */
	/* Mostly gone long since; but not after a monitor that was killed, where nobody else does it. */
	if (r >= 0 && strncmp(c->state.cgroup, CGROUP_ROOT "/", sizeof(CGROUP_ROOT)) == 0)
		(void)cgroup_remove(c->state.cgroup);
	if (r >= 0) {
		container_event_begin(st, c->rec, "remove", &event);
		r = container_store_remove(st, c->rec->id, c->rec->name);
	}
	if (r >= 0)
		container_event(st, c->rec, "remove", NULL);
	event_over(store_runtime_fd(st), &event);
	if (r == -CE_NO_CONTAINER) { /* somebody was faster, as the monitor with --rm */
		err_drop();
		return 0;
	}
	if (r < 0)
		return r;
	return leave_volumes(st, c->rec, o->volumes || c->rec->auto_remove);
}

/* One that other containers have, or that has several names, stays. */
static int remove_image(struct store *st, const char *id)
{
	AUTO(image_removal_done) struct image_removal gone = {0};
	int r = image_remove_id(st, id, false, &gone);

	if (r == -CE_IN_USE || r == -CE_BAD_STATE || r == -CE_NO_IMAGE) {
		err_drop();
		return 0;
	}
	return r < 0 ? err_wrap(r, "its image") : 0;
}

int container_remove(struct store *st, struct container *c, const struct remove_options *o)
{
	int r = remove_locked(st, c, o);

	if (r == 0)
		container_pod_hosts(st, c->rec);
	/* Without the container's lock: that of images comes first. */
	if (r == 0 && (o->image || c->rec->remove_image) && *c->rec->image_id)
		r = remove_image(st, c->rec->image_id);
	return r;
}

bool container_is_leftover(const struct container *c)
{
	int held;

	if (!c->rec->auto_remove || c->state.status != CONMON_EXITED)
		return false;
	if (c->dirs.runtime_fd < 0)
		return true; /* a reboot took its runtime directory: no monitor either */
	held = lock_is_held(c->dirs.runtime_fd, "lock"); /* else its monitor is just removing it */
	err_drop();
	return held == 0;
}

int container_tidy(struct store *st)
{
	int r;

	if (store_trash_is_empty(st))
		return 0;
	r = base_enter_own(store_runtime_fd(st));
	return r < 0 ? r : store_empty_trash(st);
}
