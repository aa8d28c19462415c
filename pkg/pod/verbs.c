/* SPDX-License-Identifier: MIT */
/* What is done to all of a pod's containers. */
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/wait.h"
#include "pkg/pod/internal.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"
#include "storage/event.h"

static int start_one(struct store *st, struct container *c)
{
	const struct start_options o = {.foreground = false};
	int r = container_is_running(c) ? 0 : container_start(st, c, &o, NULL);

	if (r == -CE_BAD_STATE) { /* somebody was faster */
		struct container now;

		if (container_open_id(st, c->rec->id, &now) == 0) {
			bool runs = container_is_running(&now);

			container_done(&now);
			if (runs) {
				err_drop();
				r = 0;
			}
		}
	}
	return r < 0 ? err_wrap(r, "start %s", c->rec->name) : 0;
}

/* To its end; one that is for once is removed then. */
static int run_init(struct store *st, struct container *c)
{
	const struct remove_options gone = {.volumes = true};
	const struct start_options o = {
		.foreground = true}; /* we hear of its end, and give it nothing */
	struct conmon_started m = {.pidfd = -EBADF, .control_fd = -EBADF};
	bool detached = false, once = strcmp(c->rec->init_ctr, "once") == 0;
	int code = 0, r;

	if (once && c->state.status == CONMON_EXITED && c->state.exit_code == 0)
		return 0;
	r = container_start(st, c, &o, &m);
	if (r == 0)
		r = conmon_foreground(&m, false, true, &code, &detached);
	closep(&m.pidfd);
	closep(&m.control_fd);
	if (r < 0)
		return err_wrap(r, "init container %s", c->rec->name);
	if (code)
		return err_new(-CE_BAD_STATE, "init container %s exited with %d", c->rec->name,
			       code);
	return once ? container_remove(st, c, &gone) : 0;
}

/* Containers that the pod is there for. */
static bool has_members(const struct pod_members *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i].rec->is_infra && !m->v[i].rec->init_ctr)
			return true;
	return false;
}

int pod_start(struct store *st, const struct pod_record *pod)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	char words[1024] = "";
	AUTO_CLOSE int member = -EBADF;
	int r = pod_members(st, pod, &m), failed = 0;

	if (r == 0 && m.n == 0)
		r = err_new(-CE_BAD_STATE, "it has no containers");
	if (r == 0 && m.v[0].rec->is_infra)
		r = start_one(st, &m.v[0]);
	/* Nothing that ends before the last one has begun is the end of the pod. */
	if (r == 0 && m.v[0].rec->ends_with_members && has_members(&m))
		r = member = container_member(st, m.v[0].rec->id);
	if (r > 0)
		r = 0;
	for (size_t i = 0; r == 0 && i < m.n; i++)
		if (m.v[i].rec->init_ctr && !container_is_running(&m.v[i]))
			r = run_init(st, &m.v[i]);
	if (r < 0)
		return r;
	for (size_t i = 0; i < m.n; i++) {
		if (m.v[i].rec->is_infra || m.v[i].rec->init_ctr)
			continue;
		r = start_one(st, &m.v[i]);
		if (r < 0 && !failed) { /* the others are started all the same */
			failed = r;
			(void)snprintf(words, sizeof(words), "%s", err_trail());
		}
		err_drop();
	}
	pod_event(st, pod, "start");
	return failed ? err_set(failed, words) : 0;
}

/* A child for each: their times of grace run at once. What went wrong is said by whoever does it again. */
static void stop_at_once(struct pod_members *m, int64_t grace_s)
{
	AUTO_FREE int *pidfds = xcalloc(m->n + 1, sizeof(*pidfds));
	int status;

	for (size_t i = 0; i < m->n; i++) {
		pidfds[i] = -EBADF;
		if (m->v[i].rec->is_infra || !container_is_running(&m->v[i]))
			continue;
		if (clone_fork(0, &pidfds[i]) == 0)
			_exit(container_stop(&m->v[i], 0, grace_s) < 0);
	}
	for (size_t i = 0; i < m->n; i++) {
		if (pidfds[i] >= 0)
			(void)pidfd_wait(pidfds[i], -1, &status);
		closep(&pidfds[i]);
	}
	err_drop();
}

static int stop_members(struct pod_members *m, int64_t grace_s)
{
	char words[1024] = "";
	int failed = 0;

	stop_at_once(m, grace_s);
	for (size_t i = m->n; i-- > 0;) { /* the infra container is the first */
		int r = container_stop(&m->v[i], 0, grace_s);

		if (r < 0 && !failed) {
			failed = err_wrap(r, "stop %s", m->v[i].rec->name);
			(void)snprintf(words, sizeof(words), "%s", err_trail());
		}
		err_drop();
	}
	return failed ? err_set(failed, words) : 0;
}

int pod_stop(struct store *st, const struct pod_record *pod, int64_t grace_s)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	int r = pod_members(st, pod, &m);

	if (r == 0)
		r = stop_members(&m, grace_s);
	if (r == 0)
		pod_event(st, pod, "stop");
	return r;
}

int pod_kill(struct store *st, const struct pod_record *pod, int sig)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	int r = pod_members(st, pod, &m);

	for (size_t i = m.n; r == 0 && i-- > 0;) {
		if (!container_is_running(&m.v[i]))
			continue;
		r = container_kill(&m.v[i], sig);
		if (r == -ESRCH || r == -CE_BAD_STATE) { /* it ended meanwhile */
			err_drop();
			r = 0;
		}
	}
	if (r == 0)
		pod_event(st, pod, "kill");
	return r;
}

int pod_pause(struct store *st, const struct pod_record *pod, bool pause)
{
	const enum conmon_status from = pause ? CONMON_RUNNING : CONMON_PAUSED;
	AUTO(pod_members_done) struct pod_members m = {0};
	int r = pod_members(st, pod, &m);

	for (size_t i = m.n; r == 0 && i-- > 0;)
		if (m.v[i].state.status == from)
			r = container_pause(&m.v[i], pause);
	if (r == 0)
		pod_event(st, pod, pause ? "pause" : "unpause");
	return r;
}

/* Members first, that none is ever without what it lives in. */
static int remove_members(struct store *st, struct pod_members *m, const struct pod_removal *o)
{
	const struct remove_options gone = {.force = true, .volumes = true, .grace_s = o->grace_s};
	int r = 0;

	for (size_t i = m->n; r == 0 && i-- > 0;) {
		r = container_remove(st, &m->v[i], &gone);
		r = err_forgive(r, -CE_NO_CONTAINER);
		if (r < 0)
			r = err_wrap(r, "remove %s", m->v[i].rec->name);
	}
	return r;
}

int pod_remove_locked(struct store *st, const struct pod_record *pod, const struct pod_removal *o)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	struct pod_record marked = *pod;
	struct event_pending event;
	int r;

	marked.removing = true;
	r = pod_save(st, &marked, true); /* nobody joins from now on */
	if (r == 0)
		r = pod_members(st, pod, &m);
	for (size_t i = 0; r == 0 && !o->force && i < m.n; i++) {
		if (m.v[i].rec->is_infra || !container_is_running(&m.v[i]))
			continue;
		r = pod_save(st, pod, true);
		return r < 0 ? r
			     : err_new(-CE_BAD_STATE,
				       "its container %s runs; stop it first or use --force",
				       m.v[i].rec->name);
	}
	if (r == 0)
		r = remove_members(st, &m, o);
	if (r < 0)
		return r;
	pod_event_begin(st, pod, "remove", &event);
	r = pod_drop(st, pod->name);
	if (r == 0)
		pod_event(st, pod, "remove");
	event_over(store_runtime_fd(st), &event);
	return r;
}

int pod_remove(struct store *st, const char *name, const struct pod_removal *o)
{
	AUTO(pod_record_done) struct pod_record pod = {0}, now = {0};
	AUTO(pod_members_done) struct pod_members m = {0};
	AUTO_CLOSE int lock = -EBADF;
	int r = pod_resolve(st, name, &pod);

	/* Times of grace pass before the lock is taken. */
	if (r == 0 && o->force) {
		r = pod_members(st, &pod, &m);
		if (r == 0)
			r = stop_members(&m, o->grace_s);
	}
	if (r < 0)
		return r;
	lock = pod_lock(st);
	r = lock < 0 ? lock : pod_load(st, pod.name, &now);
	if (r == 0 && strcmp(now.id, pod.id) != 0)
		r = err_new(-CE_NO_POD, "%s", name);
	return r < 0 ? r : pod_remove_locked(st, &now, o);
}

int pod_remove_container(struct store *st, struct container *c, const struct remove_options *o)
{
	const struct pod_removal pod = {.force = o->force, .grace_s = o->grace_s};
	int r = -CE_NO_POD;

	if (c->rec->is_infra && c->rec->pod)
		r = pod_remove(st, c->rec->pod, &pod);
	if (r != -CE_NO_POD)
		return r;
	err_drop(); /* or a crash left it */
	return container_remove(st, c, o);
}

int pod_remove_users(struct store *st, const struct strv *names, int64_t grace_s)
{
	const struct remove_options o = {.force = true, .grace_s = grace_s};
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		struct container c;

		r = container_open(st, names->v[i], &c);
		if (r == 0) {
			r = pod_remove_container(st, &c, &o);
			container_done(&c);
		}
		r = err_forgive(r, -CE_NO_CONTAINER);
	}
	return r;
}

int pod_prune(struct store *st, prune_told *told, void *arg)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = pod_list(st, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(pod_record_done) struct pod_record pod = {0};
		AUTO(pod_members_done) struct pod_members m = {0};
		const char *status;
		int one;

		r = pod_load(st, names.v[i], &pod);
		if (r == 0)
			r = pod_members(st, &pod, &m);
		if (r < 0) {
			r = err_forgive(r, -CE_NO_POD);
			continue;
		}
		status = pod_status(&m);
		if (strcmp(status, "Exited") != 0 && strcmp(status, "Stopped") != 0 &&
		    !pod.removing)
			continue;
		one = pod_remove(st, pod.id, &(struct pod_removal){.grace_s = -2});
		/* Somebody was faster, or began to use it. */
		if (one == -CE_NO_POD || one == -CE_BAD_STATE)
			err_drop();
		else
			told(pod.id, one, arg);
	}
	return r;
}
